// The floor of a cold pull: the calls that it cannot do without, in the order in which they need each
// other, by a client that throws the answers away. One call for the user's rights, the list of all
// objects, then the describes, 25 to a call and eight calls at once.

import { Pool } from 'undici'
import { type Control } from '../../simulator/src/control/client.ts'

const VERSION = '/services/data/v66.0'
const AT_ONCE = 8
const A_CALL = 25

/** What the calls take if nothing but Salesforce takes any time. */
export const leastMs = (
  objects: number,
  { callMs, describeMs }: { callMs: number; describeMs: number },
): number => 2 * callMs + Math.ceil(objects / A_CALL / AT_ONCE) * (callMs + A_CALL * describeMs)

/** How long the calls take here and now, in milliseconds. */
export const pullFloor = async (control: Control): Promise<number> => {
  const { token, instanceUrl } = await control.openSession('Acme', 'integration@acme.example')
  const pool = new Pool(instanceUrl, { connections: AT_ONCE, pipelining: 1 })
  const headers = { authorization: `Bearer ${token}`, 'accept-encoding': 'gzip' }
  const composite = (urls: readonly string[]) =>
    pool.request({
      method: 'POST',
      path: `${VERSION}/composite`,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        compositeRequest: urls.map((url, i) => ({ method: 'GET', url, referenceId: `r${i}` })),
      }),
    })
  try {
    const started = performance.now()
    await (await composite([`${VERSION}/limits`])).body.dump()
    const list = await pool.request({
      method: 'GET',
      path: `${VERSION}/sobjects/`,
      headers: { authorization: headers.authorization },
    })
    const { sobjects } = (await list.body.json()) as { sobjects: { name: string }[] }
    const urls = sobjects.map(({ name }) => `${VERSION}/sobjects/${name}/describe`)
    const lane = async () => {
      for (let part = urls.splice(0, A_CALL); part.length > 0; part = urls.splice(0, A_CALL)) {
        const { statusCode, body } = await composite(part)
        for await (const _ of body); // to its end: dump() would hang up on a long one
        if (statusCode !== 200) throw new Error(`a composite of the floor got ${statusCode}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    return performance.now() - started
  } finally {
    await pool.close()
  }
}
