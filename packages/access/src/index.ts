export { isForLoopback, isLoopbackHost } from './loopback.ts'
export { carriesToken } from './token.ts'
export { wrongTokensPlugin } from './wrong-tokens.ts'
