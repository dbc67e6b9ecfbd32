interface SchemaError {
  instancePath: string
  params: Record<string, unknown>
}

/**
 * Makes the formatter of a route's schema errors.
 *
 * @param allowed what each parameter of the query and of the path must be
 */
export function queryErrors (allowed: Record<string, string>) {
  return ([error]: SchemaError[]): Error => {
    const name = error?.instancePath.slice(1) ?? ''
    return new Error(allowed[name]
      ? `${name} ${allowed[name]}`
      : `There is no ${error?.params.additionalProperty}: only ${Object.keys(allowed).join(', ')}`)
  }
}
