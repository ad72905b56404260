// How pg-boss reports its errors: as plain objects with an error's members.

interface QueueError {
  error: Error
  queue: string | undefined
}

/** The original error, in whatever form pg-boss passes it on. */
export const readQueueError = (thrown: unknown): QueueError => {
  if (thrown instanceof Error) return { error: thrown, queue: undefined }
  const { message, stack, code, queue } = (thrown ?? {}) as Record<string, unknown>
  const error = new Error(typeof message === 'string' ? message : JSON.stringify(thrown))
  if (typeof stack === 'string') error.stack = stack
  return {
    error: typeof code === 'string' ? Object.assign(error, { code }) : error,
    queue: typeof queue === 'string' ? queue : undefined,
  }
}
