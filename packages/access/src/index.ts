export { isForLoopback, isLoopbackHost } from './loopback.ts'
export { checkBearerToken } from './token.ts'
export { wrongTokensPlugin } from './wrong-tokens.ts'
