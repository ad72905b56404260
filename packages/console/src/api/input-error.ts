/** What somebody typed or forgot, in a sentence for them: nothing was sent. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
