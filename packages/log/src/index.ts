export { createLog } from './create-log.ts'
export { visible } from './visible.ts'
