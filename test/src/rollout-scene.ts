// An agency whose clients have small Salesforce orgs, and rollouts to them that every replica is asked about in
// turn: what the suites share that follow a rollout through failures, other people's changes and its rollback.

import { type Api, apiOf } from './api.ts'
import { deploysIn, type Member, membersOf, OBJECT, rolloutsOf } from './fleet-support.ts'
import { type AnyRig, type TestOrg } from './rig.ts'

/** One wave of all of them, which goes on whatever fails. */
export const AT_ONCE = { waves: [{ name: 'all', max_concurrent: 10, failure_tolerance: 5 }] }

/** Of nobody before `open`, which a suite calls first. */
export const createRolloutScene = () => {
  let opened: { rig: AnyRig; agency: TestOrg; members: Member[]; replicas: Api[] } | undefined
  let calls = 0
  const open = () => {
    if (opened === undefined) throw new Error('the scene was not opened')
    return opened
  }
  const { call, check, create, ...rollouts } = rolloutsOf(() => {
    const { replicas } = open()
    return replicas[calls++ % replicas.length] as Api
  })
  const act: AnyRig['simulator']['control']['act'] = (...action) =>
    open().rig.simulator.control.act(...action)
  /** With the session of an administrator. */
  const readSalesforce = async <T>({ salesforce }: Member, path: string): Promise<T> => {
    const { token, instanceUrl } = await open().rig.simulator.control.openSession(salesforce)
    const answer = await fetch(`${instanceUrl}/services/data/v66.0${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return (await answer.json()) as T
  }

  return {
    ...rollouts,
    call,
    check,
    create,
    act,
    readSalesforce,
    open: async (rig: AnyRig, urls: readonly string[], count: number): Promise<void> => {
      const agency = await rig.org()
      opened = {
        rig,
        agency,
        members: await membersOf(agency, rig.simulator.control, count),
        replicas: urls.map((url) => apiOf(url, agency.token)),
      }
    },
    agency: () => open().agency,
    members: () => open().members,
    some: (count: number): Member[] => open().members.slice(0, count),
    inEach: (work: (salesforce: string) => Promise<unknown>) =>
      Promise.all(open().members.map(({ salesforce }) => work(salesforce))),
    deployed: (of: readonly Member[]): Promise<number[]> =>
      Promise.all(of.map(({ salesforce }) => deploysIn(open().rig.simulator.control, salesforce))),
    stateOf: async (rolloutId: string, of: readonly Member[]): Promise<unknown[]> =>
      (await rollouts.targets(rolloutId, of)).map((target) => target?.state),
    /** By the Tooling API, which knows of fields that nobody may see. */
    customFieldsOf: async (member: Member, developerName: string): Promise<number> => {
      const soql = `SELECT Id FROM CustomField WHERE DeveloperName = '${developerName}'`
      const path = `/tooling/query?q=${encodeURIComponent(soql)}`
      return (await readSalesforce<{ records: unknown[] }>(member, path)).records.length
    },
    /** What the object that all of them have looks like now. */
    describeOf: <T>(member: Member): Promise<T> =>
      readSalesforce<T>(member, `/sobjects/${OBJECT}/describe`),
    /** Checked and started: what is under way from here on. */
    started: async (of: readonly Member[], plan: object, strategy: object): Promise<string> => {
      const id = await create(of, plan, strategy)
      const { revision, state } = await check(id)
      if (state !== 'ready') throw new Error(`${id} is ${state}`)
      await call('start', { rollout_id: id, revision, wait_seconds: 0 })
      return id
    },
  }
}
