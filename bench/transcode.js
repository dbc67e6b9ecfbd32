export async function benchTranscode () { return [{ todo: 1 }] }
