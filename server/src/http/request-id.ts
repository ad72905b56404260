import { newId } from '../db/ids.ts'

const SANE = /^[A-Za-z0-9._:/+=@-]{1,128}$/

/** The caller's X-Request-Id if it is valid, else one of our own. */
export const requestIdOf = (request: {
  headers: Record<string, string | string[] | undefined>
}): string => {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE.test(given) ? given : newId()
}
