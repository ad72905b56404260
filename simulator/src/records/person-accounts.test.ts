import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
  await sim.control.act('schema/enable-person-accounts', { org: 'Acme', more: ['Patient'] })
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

  it('is of the kind of its record type, of which people may have several', async () => {
    const soql =
      "SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true"
    const { records } = await bodyOf<{ records: { Id: string; DeveloperName: string }[] }>(
      await admin.get(`/query?q=${encodeURIComponent(soql)}`),
    )
    expect(records.map(({ DeveloperName }) => DeveloperName)).toEqual(['PersonAccount', 'Patient'])
    const patient = records[1]?.Id
    expect(await create({ Name: 'Acme', RecordTypeId: patient })).toEqual(bad(['Name']))
    const { id } = (await create({ LastName: 'Hopper', RecordTypeId: patient })) as { id: string }
    expect(await bodyOf(await admin.get(`/sobjects/Account/${id}`))).toMatchObject({
      IsPersonAccount: true,
      RecordTypeId: patient,
    })
  })

  it('is changed through its contact, which keeps the account', async () => {
    const { id } = (await create({ LastName: 'Noether', PersonEmail: 'a@example.com' })) as {
      id: string
    }
    const account = () => admin.get(`/sobjects/Account/${id}`).then(bodyOf<Record<string, string>>)
    const contact = `/sobjects/Contact/${(await account())['PersonContactId'] ?? ''}`
    expect(await bodyOf(await admin.get(contact))).toMatchObject({
      IsPersonAccount: true,
      Email: 'a@example.com',
    })
    expect(
      (await send('PATCH', contact, { FirstName: 'Emmy', Email: 'e@example.com' })).status,
    ).toBe(204)
    expect(await account()).toMatchObject({ Name: 'Emmy Noether', PersonEmail: 'e@example.com' })
    const moved = await send('PATCH', contact, { AccountId: null })
    expect(await bodyOf<unknown[]>(moved)).toEqual([bad(['AccountId'])])
  })
})
