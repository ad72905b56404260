// A small Salesforce org for the tests of queries, Tooling and Metadata, served over HTTP.

import { createServer } from 'node:http'
import { makeGroup } from '../../org/create.ts'
import { IdGenerator, toId18 } from '../../org/ids.ts'
import type { Grants, Org, Row, Session, User } from '../../org/model.ts'
import { makeField, makeObject, stamps, systemFields, type FieldSpec } from '../../org/schema.ts'
import { viewerOf } from '../../org/visibility.ts'
import { createDispatcher } from '../dispatch.ts'
import { Faults } from '../faults.ts'
import { soapRoutes } from '../metadata/routes.ts'
import { routes as queryRoutes } from '../query/routes.ts'
import { routes as toolingRoutes } from '../tooling/routes.ts'

/** Sees Setup, but no field that is not granted. */
const setUp = (): Grants => ({ ...grants(), system: new Set(['ViewSetup']) })

const grants = (): Grants => ({ fields: new Map(), objects: new Map(), system: new Set() })

/** An org with Account, Contact, Trip__c, a managed object, automations and two users. */
export function makeTestOrg(): Org {
  const ids = new IdGenerator('000t')
  const createdDate = new Date('2026-05-01T10:00:00Z')
  const org: Org = {
    id: toId18('00D00000000tEST') ?? '',
    name: 'Test',
    edition: 'Developer',
    isSandbox: false,
    language: 'en_US',
    instanceName: 'SIM1',
    instanceUrl: '',
    createdDate,
    ids,
    objects: new Map(),
    globalValueSets: new Map(),
    customMetadata: new Map(),
    customLabels: new Map(),
    customPermissions: new Map(),
    users: new Map(),
    profiles: new Map(),
    permissionSets: new Map(),
    permissionSetGroups: new Map(),
    assignments: [],
    groups: [],
    roles: [],
    flows: new Map(),
    flowInterviews: [],
    workflowRules: [],
    assignmentRules: [],
    duplicateRules: [],
    apexTriggers: [],
    packages: [],
    layouts: [],
    quickActions: new Map(),
    tabs: [],
    apps: [],
    records: new Map(),
    sessions: new Map(),
    refreshGrants: new Map(),
    rotatedTokens: new Map(),
    usage: { used: 0, max: 15_000 },
    settings: { sessionMinutes: 120, rotateRefreshTokens: false, apiEnabled: true },
    orgWideModifiedAt: createdDate,
    permissionRevision: 0,
    schemaRevision: 0,
    kept: new Map(),
  }
  addPeople(org)
  addSchema(org)
  addAutomations(org)
  return org
}

function addPeople(org: Org): void {
  const profile = (name: string) => {
    const id = org.ids.make('00e')
    const common = { grants: setUp(), hidden: new Set<string>(), readsEveryObject: true }
    org.profiles.set(id, { id, name, ...common, ...stamps(org) })
    return id
  }
  const user = (firstName: string, lastName: string, profileId: string): User => {
    const id = org.ids.make('005')
    const username = `${firstName.toLowerCase()}@example.com`
    const made = { id, username, email: username, firstName, lastName, profileId, active: true }
    org.users.set(id, { ...made, createdDate: org.createdDate })
    return { ...made, createdDate: org.createdDate }
  }
  const admin = user('Ada', 'Admin', profile('System Administrator'))
  user('Rob', 'Restricted', profile('Standard User'))
  const set = { id: org.ids.make('0PS'), name: 'TripAccess', label: 'Trip Access' }
  const granted = grants()
  granted.fields.set('trip__c.miles__c', { readable: true, editable: true })
  granted.fields.set('account.tier__c', { readable: true, editable: false })
  const tripGrant = { read: true, create: true, edit: true, delete: false }
  granted.objects.set('trip__c', { ...tripGrant, viewAll: false, modifyAll: false })
  org.permissionSets.set(set.id, {
    ...set,
    description: null,
    namespace: null,
    grants: granted,
    ...stamps(org),
  })
  const assignment = { id: org.ids.make('0Pa'), permissionSetId: set.id, assigneeId: admin.id }
  org.assignments.push(assignment)
  org.groups.push(makeGroup(org, 'Queue', 'Triage', ['Trip__c']))
}

function addSchema(org: Org): void {
  const name = (label: string): FieldSpec => ({
    name: 'Name',
    type: 'string',
    label,
    nameField: true,
  })
  const address: FieldSpec[] = ['Street', 'City'].map((part) => ({
    name: `Billing${part}`,
    type: 'string',
    compoundFieldName: 'BillingAddress',
  }))
  const account = makeObject(org, {
    name: 'Account',
    describe: { keyPrefix: '001' },
    fields: [
      ...systemFields(true).map((field) =>
        field.name === 'OwnerId' ? { ...field, referenceTo: ['User'] } : field,
      ),
      name('Account Name'),
      ...address,
      { name: 'BillingAddress', type: 'address' },
    ],
  })
  account.fields.set(
    'tier__c',
    makeField(org, {
      name: 'Tier__c',
      label: 'Tier',
      type: 'picklist',
      custom: true,
      picklistValues: ['Gold', 'Iron'].map((value) => ({
        active: true,
        defaultValue: false,
        label: `${value} tier`,
        validFor: null,
        value,
      })),
    }),
  )
  account.recordTypes.push({
    id: org.ids.make('012'),
    developerName: 'Partner',
    name: 'Partner',
    active: true,
    isDefault: true,
    description: null,
    ...stamps(org),
  })
  const contact = makeObject(org, {
    name: 'Contact',
    describe: { keyPrefix: '003', labelPlural: 'Contacts' },
    fields: [
      ...systemFields(true),
      { name: 'FirstName', type: 'string' },
      { name: 'LastName', type: 'string' },
      name('Full Name'),
      {
        name: 'AccountId',
        type: 'reference',
        referenceTo: ['Account'],
        relationshipName: 'Account',
      },
    ],
  })
  const parent = contact.fields.get('accountid')
  if (parent !== undefined) {
    contact.fields.set('accountid', { ...parent, childRelationshipName: 'Contacts' })
  }
  const trip = makeObject(org, {
    name: 'Trip__c',
    label: 'Trip',
    describe: { keyPrefix: 'a00' },
    fields: [...systemFields(true), name('Trip Name')],
  })
  const miles = { name: 'Miles__c', label: 'Miles', type: 'double', precision: 10, scale: 2 }
  trip.fields.set('miles__c', makeField(org, { ...miles, custom: true }))
  trip.validationRules.push({
    id: org.ids.make('03d'),
    name: 'Far_enough',
    active: true,
    description: null,
    errorConditionFormula: 'Miles__c < 1 && Name <> "x"',
    errorMessage: 'Too near',
    errorDisplayField: 'Miles__c',
    namespace: null,
    ...stamps(org),
  })
  makeObject(org, {
    name: 'pkg__Thing__c',
    namespace: 'pkg',
    describe: { keyPrefix: 'a01' },
    fields: [...systemFields(true), name('Thing Name')],
  })
  addRecords(org)
}

function addRecords(org: Org): void {
  const owner = [...org.users.keys()][0] ?? ''
  const put = (object: string, prefix: string, values: Record<string, unknown>): Row => {
    const row: Row = {
      Id: org.ids.make(prefix),
      OwnerId: owner,
      IsDeleted: false,
      CreatedDate: '2026-05-01T10:00:00.000+0000',
      CreatedById: owner,
      ...values,
    }
    const rows = org.records.get(object) ?? new Map<string, Row>()
    rows.set(row.Id, row)
    org.records.set(object, rows)
    return row
  }
  for (let i = 0; i < 450; i += 1) {
    put('account', '001', {
      Name: `Account ${String(i).padStart(3, '0')}`,
      Tier__c: i % 2 ? 'Iron' : 'Gold',
      BillingCity: i === 0 ? 'Oslo' : null,
    })
  }
  put('account', '001', { Name: 'Gone', IsDeleted: true })
  const [first] = org.records.get('account')?.keys() ?? []
  put('contact', '003', { FirstName: 'Jo', LastName: 'Roe', AccountId: first })
}

function addAutomations(org: Org): void {
  const version = (number: number, status: 'Active' | 'Draft') => ({
    id: org.ids.make('301'),
    number,
    status,
    label: 'Score trip',
    metadata: {
      apiVersion: '67.0',
      label: 'Score trip',
      processType: 'AutoLaunchedFlow',
      recordUpdates: [
        { name: 'Set', label: 'Set', locationX: 0, inputAssignments: [{ field: 'Miles__c' }] },
      ],
      start: { object: 'Trip__c', triggerType: 'RecordAfterSave' },
    },
    ...stamps(org),
  })
  org.flows.set('score_trip', {
    id: org.ids.make('300'),
    developerName: 'Score_trip',
    namespace: null,
    label: 'Score trip',
    description: null,
    processType: 'AutoLaunchedFlow',
    triggerType: 'RecordAfterSave',
    triggerObject: 'Trip__c',
    recordTriggerType: 'Create',
    triggerOrder: null,
    activeVersion: 1,
    versions: [version(1, 'Active'), version(2, 'Draft')],
    ...stamps(org),
  })
  const condition = { field: 'Lead.Country', operation: 'equals', value: 'NO' }
  org.assignmentRules.push({
    id: org.ids.make('01Q'),
    object: 'Lead',
    name: 'Standard',
    active: true,
    entries: [{ assignedTo: 'Triage', assignedToType: 'Queue', criteriaItems: [condition] }],
    ...stamps(org),
  })
  org.workflowRules.push({
    id: org.ids.make('01Q'),
    object: 'Account',
    name: 'Greet',
    active: true,
    description: null,
    triggerType: 'onCreateOnly',
    formula: 'true',
    namespace: null,
    ...stamps(org),
  })
  org.apexTriggers.push({
    id: org.ids.make('01q'),
    name: 'OnAccount',
    object: 'Account',
    active: true,
    namespace: null,
    events: ['before insert', 'after update'],
    body: 'trigger OnAccount on Account (before insert, after update) {}',
    apiVersion: 67,
    ...stamps(org),
  })
  const packageVersion = { versionId: org.ids.make('04t'), version: '1.2.0.3' }
  org.packages.push({
    id: org.ids.make('033'),
    namespace: 'pkg',
    name: 'Package',
    ...packageVersion,
  })
  org.layouts.push({
    id: org.ids.make('00h'),
    object: 'Trip__c',
    name: 'Trip Layout',
    namespace: null,
    metadata: { layoutSections: [{ layoutColumns: [{ layoutItems: [{ field: 'Miles__c' }] }] }] },
    ...stamps(org),
  })
}

export interface TestServer extends AsyncDisposable {
  url: string
  /** A session token of the user with this first name. */
  tokenOf(firstName: string): string
}

/** Serves the org's query, Tooling and Metadata routes on a free port. */
export async function serveTestOrg(org: Org): Promise<TestServer> {
  const dispatcher = createDispatcher({
    routes: [...queryRoutes, ...toolingRoutes],
    faults: new Faults(),
    latency: { describeMs: 0 },
  })
  const sessionOf = (token: string): { session: Session; user: User } | null => {
    const user = [...org.users.values()].find(({ id }) => token === `${org.id}!${id}`)
    const now = new Date()
    return (
      (user && {
        user,
        session: {
          token,
          userId: user.id,
          clientId: '',
          scopes: [],
          issuedAt: now,
          expiresAt: now,
        },
      }) ??
      null
    )
  }
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const url = new URL(request.url ?? '/', 'http://localhost')
      const soap = /^\/services\/Soap\/m\/(\d+)\.0/.exec(url.pathname)
      const [soapRoute] = soapRoutes
      if (soap && soapRoute) {
        const answer = await soapRoute.handler({
          org,
          version: Number(soap[1]),
          body: Buffer.concat(chunks).toString(),
          soapAction: '',
          authenticate(sessionId) {
            const found = sessionOf(sessionId)
            return found && { ...found, viewer: viewerOf(org, found.user) }
          },
        })
        response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body)
        return
      }
      const caller = sessionOf((request.headers.authorization ?? '').replace('Bearer ', ''))
      if (!caller) {
        response.writeHead(401).end()
        return
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      )
      const path = url.pathname
      const answer = await dispatcher.run({
        org,
        ...caller,
        request: {
          method: request.method ?? '',
          path,
          query: url.searchParams,
          headers,
          body: undefined,
        },
        spend: () => undefined,
        countCall: () => undefined,
      })
      response.writeHead(answer.status, { 'content-type': 'application/json;charset=UTF-8' })
      response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    tokenOf(firstName) {
      const user = [...org.users.values()].find((candidate) => candidate.firstName === firstName)
      return `${org.id}!${user?.id ?? ''}`
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
