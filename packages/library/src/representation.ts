/** The bytes and validators of one response (RFC 9110, 3.2). All but the bytes is known before the first is sent. */
export interface Representation {
  /** Bytes. */
  readonly size: number
  /** Strong entity tag with its quotes (RFC 9110, 8.8.3). */
  readonly etag: string
  /** Nanoseconds since 1970; undefined for a file that is still being written. */
  readonly mtimeNs: bigint | undefined
  /**
   * Reads up to `length` bytes at a position.
   *
   * @param isAborted returns whether the client has left
   * @returns the number of bytes read; 0 where no more will come
   */
  read (buffer: Buffer, length: number, position: number, isAborted: () => boolean): Promise<number>
  /**
   * Waits until a byte can be read, before response headers are sent. Undefined where all bytes are there.
   *
   * @param waitedMs how long the client has waited already
   * @returns 'ready'; 'ended' where the byte will not come or the client has left; or after how many seconds the client
   * should retry, where the wait would be too long
   */
  reach?: (
    position: number, waitedMs: number, isAborted: () => boolean
  ) => Promise<'ready' | 'ended' | { retryAfter: number }>
  close (): Promise<void> | void
}
