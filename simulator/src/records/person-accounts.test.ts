import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
  await sim.control.act('schema/enable-person-accounts', { org: 'Acme' })
})
afterAll(() => sim.close())

const send = (method: string, path: string, body: unknown) =>
  fetch(`${admin.instanceUrl}/services/data/v66.0${path}`, {
    method,
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const create = async (row: unknown) => {
  const answer = await send('POST', '/sobjects/Account', row)
  return answer.status === 201
    ? bodyOf<{ id: string }>(answer)
    : (await bodyOf<unknown[]>(answer))[0]
}
const bad = (names: string[]) => ({
  errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
  message: `Account: bad field names on insert/update call: ${names.join(', ')}`,
  fields: names,
})

describe('an account, where some are people', () => {
  it('is a person by its LastName, named of its parts, with a contact of its own', async () => {
    const { id } = (await create({ FirstName: 'Ada', LastName: 'Lovelace' })) as { id: string }
    const account = await bodyOf<Record<string, string>>(await admin.get(`/sobjects/Account/${id}`))
    expect(account).toMatchObject({ Name: 'Ada Lovelace', IsPersonAccount: true })
    const contact = await admin.get(`/sobjects/Contact/${account['PersonContactId'] ?? ''}`)
    expect(await bodyOf(contact)).toMatchObject({ LastName: 'Lovelace', AccountId: id })
    const renamed = await send('PATCH', `/sobjects/Account/${id}`, { Name: 'Countess' })
    expect(await bodyOf<unknown[]>(renamed)).toEqual([bad(['Name'])])
  })

  it('takes no fields of the other kind', async () => {
    expect(await create({ Name: 'X', LastName: 'Lovelace' })).toEqual(bad(['Name']))
    expect(await create({ Name: 'Acme', PersonEmail: 'a@example.com' })).toEqual(
      bad(['PersonEmail']),
    )
    const { id } = (await create({ Name: 'Acme' })) as { id: string }
    const changed = await send('PATCH', `/sobjects/Account/${id}`, { LastName: 'Lovelace' })
    expect(await bodyOf<unknown[]>(changed)).toEqual([bad(['LastName'])])
  })

  it('needs the name of its kind', async () => {
    expect(await create({ Phone: '1' })).toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
      fields: ['Name'],
    })
  })
})
