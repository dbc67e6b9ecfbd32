export { isForLoopback, isLoopbackHost } from './loopback.ts'
export { carriesToken } from './token.ts'
