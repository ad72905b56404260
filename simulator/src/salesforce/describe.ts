// describeGlobal and describe, conditional and per user. Salesforce: REST API guide, "Describe Global",
// "sObject Describe" and "Conditional Request Headers".

import { createHash } from 'node:crypto'
import { childRelationships } from '../org/child-relationships.ts'
import { findObject, globalLastModified, lastModifiedOf } from '../org/changes.ts'
import { keptByOrg, onceFor } from '../org/kept.ts'
import { type FieldDescribe, type Org, type SObject } from '../org/model.ts'
import { type Viewer } from '../org/visibility.ts'
import { type RestAnswer, type RestContext, type RestRoute } from './rest.ts'
import { noSuchObject, notSimulated } from '../refusals.ts'

export const describeRoutes: RestRoute[] = [
  { method: 'GET', pattern: '/sobjects', handler: (ctx) => describeGlobal(ctx) },
  { method: 'GET', pattern: '/sobjects/:name', handler: (ctx) => basicInformation(ctx) },
  { method: 'GET', pattern: '/sobjects/:name/describe', handler: (ctx) => describe(ctx) },
]

/** By the state that they were rendered from: a conditional request that finds nothing new renders nothing. */
const etagsOf = keptByOrg(() => new Map<string, string>())

/** The answer for this state; its text is rendered only if it is sent or not known yet. */
const conditional = (
  ctx: RestContext,
  { state, modified }: { state: string; modified: Date },
  render: () => string,
): RestAnswer => {
  const etags = etagsOf(ctx.org)
  const known = etags.get(state)
  const json = known === undefined ? render() : undefined
  const etag = known ?? etagOf(json ?? '')
  if (known === undefined) {
    // Old states are never needed again.
    if (etags.size > 20_000) etags.clear()
    etags.set(state, etag)
  }
  const headers = { etag, 'last-modified': modified.toUTCString() }
  const since = Date.parse(ctx.request.headers['if-modified-since'] ?? '')
  // Salesforce promises If-Modified-Since only; whole seconds.
  if (
    ctx.request.headers['if-none-match']?.includes(etag) === true ||
    Math.floor(modified.getTime() / 1000) * 1000 <= since
  ) {
    return { status: 304, headers }
  }
  return { status: 200, headers, json: json ?? render() }
}

const etagOf = (json: string): string =>
  `"${createHash('sha256').update(json).digest('hex').slice(0, 8)}"`

const describeGlobal = (ctx: RestContext): RestAnswer => {
  const { org, viewer, base } = ctx
  const state = `global:${base}:${viewer.signature}:${org.schemaRevision}`
  return conditional(ctx, { state, modified: globalLastModified(org) }, () =>
    JSON.stringify({
      encoding: 'UTF-8',
      maxBatchSize: 200,
      sobjects: visibleObjects(org, viewer).map((object) => globalEntry(object, base)),
    }),
  )
}

const visibleObjects = (org: Org, viewer: Viewer): SObject[] =>
  [...org.objects.values()].filter(
    (object) => object.deletedAt === undefined && viewer.seesObject(object),
  )

/** Resources of an object with layouts, by the name of the URL, and those of some objects only. */
const LAYOUT_URLS: Record<string, string> = {
  compactLayouts: 'describe/compactLayouts',
  approvalLayouts: 'describe/approvalLayouts',
  listviews: 'listviews',
  quickActions: 'quickActions',
  layouts: 'describe/layouts',
}
const MORE_URLS: Record<string, Record<string, string>> = {
  Case: articleUrls('case'),
  User: {
    namedLayouts: 'describe/namedLayouts/{LayoutName}',
    passwordUtilities: '{ID}/password',
  },
  UserRole: { compactLayouts: 'describe/compactLayouts' },
  WorkOrder: articleUrls('workOrder'),
  WorkOrderLineItem: articleUrls('workOrderLineItem'),
}
/** Objects with layouts that lack some of these, as recorded in describeGlobal by CumulusCI. */
const NO_URLS: Record<string, readonly string[]> = {
  CampaignMember: ['approvalLayouts', 'listviews', 'quickActions'],
  OpportunityContactRole: ['approvalLayouts', 'listviews'],
  User: ['approvalLayouts', 'listviews'],
  WorkOrderLineItem: ['listviews'],
}

function articleUrls(name: string): Record<string, string> {
  return {
    [`${name}ArticleSuggestions`]: 'suggestedArticles',
    [`${name}RowArticleSuggestions`]: '{ID}/suggestedArticles',
  }
}

const urlsOf = (object: SObject, base: string): Record<string, string> => {
  const own = `${base}/sobjects/${object.name}`
  const resources = { ...(object.describe.layoutable && LAYOUT_URLS), ...MORE_URLS[object.name] }
  const missing = NO_URLS[object.name] ?? []
  return {
    ...Object.fromEntries(
      Object.entries(resources)
        .filter(([name]) => !missing.includes(name))
        .map(([name, path]) => [name, `${own}/${path}`]),
    ),
    rowTemplate: `${own}/{ID}`,
    describe: `${own}/describe`,
    sobject: own,
  }
}

const sorted = (value: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))

const globalEntry = (object: SObject, base: string): unknown =>
  sorted({ ...object.describe, name: object.name, urls: urlsOf(object, base) })

const seen = (ctx: RestContext): SObject => {
  const name = ctx.params.name ?? ''
  const object = findObject(ctx.org, name)
  if (object === undefined || !ctx.viewer.seesObject(object)) {
    throw noSuchObject(name, object !== undefined)
  }
  return object
}

const basicInformation = (ctx: RestContext): RestAnswer => ({
  status: 200,
  body: { objectDescribe: globalEntry(seen(ctx), ctx.base), recentItems: [] },
})

const describe = (ctx: RestContext): RestAnswer => {
  const { org, viewer, base } = ctx
  const object = seen(ctx)
  if (object.imported === null) throw notSimulated(`describe of ${object.name}: no file has it`)
  ctx.spend(ctx.latency.describeMs)
  const state = `${object.name}:${base}:${viewer.signature}:${object.schemaModifiedAt.getTime()}`
  return conditional(ctx, { state, modified: lastModifiedOf(org, object) }, () =>
    object.imported
      ? JSON.stringify(importedResult(object, object.imported, viewer))
      : describeText(org, object, viewer, base),
  )
}

/** Whether the viewer sees the field as one to write. */
const isShownWritable = ({ createable, updateable }: FieldDescribe, may: boolean): boolean =>
  may || (!createable && !updateable)

const readOnly = (describe: FieldDescribe): FieldDescribe => ({
  ...describe,
  createable: false,
  updateable: false,
})

/** A file's describe as this viewer may see it, with what was deployed since. */
const importedResult = (
  object: SObject,
  imported: Record<string, unknown>,
  viewer: Viewer,
): unknown => {
  const fields = [...object.fields.values()]
    .filter((field) => viewer.seesField(object, field))
    .map((field) => {
      const shown = shownOf(field.describe)
      return isShownWritable(shown, viewer.mayEdit(object, field)) ? shown : readOnly(shown)
    })
  const visible = new Set(fields.map((field) => field.name))
  const own = imported.fields
  return {
    ...imported,
    fields: Array.isArray(own)
      ? withDeployed(object, own as { name: string }[], fields).filter(({ name }) =>
          visible.has(name),
        )
      : fields,
  }
}

/** Fields are replaced, never changed, and most are shared by all orgs: so are their texts. */
const writableText = onceFor((describe: FieldDescribe) => JSON.stringify(shownOf(describe)))
const readOnlyText = onceFor((describe: FieldDescribe) =>
  JSON.stringify(readOnly(shownOf(describe))),
)

/** The whole describe as this viewer may see it, as JSON. */
const describeText = (org: Org, object: SObject, viewer: Viewer, base: string): string => {
  const fields = [...object.fields.values()]
    .filter((field) => viewer.seesField(object, field))
    .map((field) => {
      const isWritable = isShownWritable(field.describe, viewer.mayEdit(object, field))
      return (isWritable ? writableText : readOnlyText)(field.describe)
    })
  const rest = JSON.stringify(
    sorted({
      ...object.describe,
      actionOverrides: [],
      childRelationships: childRelationships(org, object),
      compactLayoutable: object.describe.layoutable,
      defaultImplementation: null,
      extendedBy: null,
      extendsInterfaces: null,
      fields: [],
      implementedBy: null,
      implementsInterfaces: null,
      listviewable: null,
      lookupLayoutable: null,
      name: object.name,
      namedLayoutInfos: [],
      networkScopeFieldName: null,
      recordTypeInfos: recordTypeInfos(object, base),
      // Recorded of opportunity contact roles, which no search finds.
      searchLayoutable: object.describe.layoutable && object.describe.searchable,
      sobjectDescribeOption: 'FULL',
      supportedScopes: scopesOf(object),
      urls: {
        ...urlsOf(object, base),
        uiDetailTemplate: `${org.instanceUrl}/{ID}`,
        uiEditTemplate: `${org.instanceUrl}/{ID}/e`,
        uiNewRecord: `${org.instanceUrl}/${object.describe.keyPrefix ?? ''}/e`,
      },
    }),
  )
  const [before, after] = rest.split(NO_FIELDS)
  return `${before ?? ''}"fields":[${fields.join(',')}]${after ?? ''}`
}

/** In a text of JSON this is only ever the member: in a value its quotes would be escaped. */
const NO_FIELDS = '"fields":[]'

/** Recorded: what happens to standard references is said by their parents only. */
const shownOf = (describe: FieldDescribe): FieldDescribe =>
  !describe.custom && (describe['cascadeDelete'] === true || describe['restrictedDelete'] === true)
    ? { ...describe, cascadeDelete: false, restrictedDelete: false }
    : describe

/** Salesforce: who may own records. Recorded for accounts, cases, contacts, events, leads and opportunities. */
const scopesOf = ({
  describe,
  fields,
  name: object,
}: SObject): { label: string; name: string }[] => {
  const owners = fields.get('ownerid')?.describe.referenceTo ?? []
  const plural = describe.labelPlural.toLowerCase()
  const scope = (name: string, label: string, isThere = true) => (isThere ? [{ label, name }] : [])
  const isCase = object === 'Case'
  return [
    ...scope('delegated', `My delegated ${plural}`, object === 'Event' || object === 'Task'),
    ...scope('everything', `All ${plural}`),
    ...scope('genericteam', `My case teams ${plural}`, isCase),
    ...scope('mine', `My ${plural}`, owners.length > 0),
    ...scope('queue_owned', `Queue owned ${plural}`, owners.includes('Group')),
    ...scope('scopingRule', 'Filter by scope'),
    ...scope('team', `My team's ${plural}`, owners.length > 0 && !isCase),
    ...scope('team_by_role', `My role-based team's ${plural}`, isCase),
    ...scope('user_owned', `User owned ${plural}`, owners.includes('Group')),
  ]
}

/** The fields of an imported describe, replaced by what was deployed since. */
const withDeployed = (
  object: SObject,
  imported: readonly { name: string }[],
  fields: readonly { name: string }[],
): { name: string }[] => {
  const known = new Set(imported.map(({ name }) => name))
  const present = new Map(fields.map((field) => [field.name, field]))
  const deployed = (name: string) =>
    object.fields.get(name.toLowerCase())?.metadata && present.get(name)
  return [
    ...imported.map((field) => deployed(field.name) || field),
    ...fields.filter(({ name }) => !known.has(name)),
  ]
}

/** Salesforce: every object has the master record type, always with the same id. */
const MASTER_RECORD_TYPE = '012000000000000AAA'

/** Objects with layouts that have no record types, as recorded. */
const WITHOUT_RECORD_TYPES: ReadonlySet<string> = new Set(['OpportunityContactRole', 'User'])

const recordTypeInfos = (object: SObject, base: string): unknown[] => {
  if (WITHOUT_RECORD_TYPES.has(object.name)) return []
  const info = (
    name: string,
    developerName: string,
    id: string,
    master: boolean,
    active: boolean,
    isDefault: boolean,
  ) => ({
    active,
    available: true,
    defaultRecordTypeMapping: isDefault,
    developerName,
    master,
    name,
    recordTypeId: id,
    urls: { layout: `${base}/sobjects/${object.name}/describe/layouts/${id}` },
  })
  const own = object.recordTypes.map((type) =>
    info(type.name, type.developerName, type.id, false, type.active, type.isDefault),
  )
  return [
    ...own,
    info(
      'Master',
      'Master',
      MASTER_RECORD_TYPE,
      true,
      true,
      !object.recordTypes.some((type) => type.isDefault),
    ),
  ]
}
