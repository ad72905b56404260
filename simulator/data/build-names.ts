// Makes names.json, what Salesforce documents by name:
//
//   node simulator/data/build-names.ts OBJECT_FOLDER TOOLING_FOLDER METADATA_FOLDER > simulator/data/names.json
//
// Each folder holds one JSON file per object or type (see NOTICE).

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Members of results and headers of calls, which the same reference describes beside the types. */
const NO_TYPE = /^(Metadata_Type_Limits|MetadataWithContent|ListMetadataQuery|Package|Picklist|RoleOrTerritory|SharedTo)$|(Result|Header|Request|Error)$|_/

/** Types that the reference describes on the page of another one. */
const ON_ANOTHER_PAGE = `BusinessProcess CompactLayout CustomLabel EscalationRule FieldSet Index ListView MatchingRules
  AutoResponseRule AssignmentRule EscalationRules AutoResponseRules SharingReason SharingCriteriaRule SharingOwnerRule
  SharingTerritoryRule SharingGuestRule WebLink WorkflowAlert WorkflowFieldUpdate WorkflowKnowledgePublish
  WorkflowOutboundMessage WorkflowRule WorkflowTask Bot BotVersion ManagedTopic CustomLabels Settings
  PlatformCachePartitionType AuraDefinitionBundle SiteDotCom CustomSite`.split(/\s+/)

const [objects = '', tooling = '', metadata = ''] = process.argv.slice(2)
const namesIn = (folder: string) =>
  readdirSync(folder).filter((file) => file.endsWith('.json')).map((file) => file.replace(/\.json$/, ''))

/** Titles of sections and patterns of names stand among the objects: `Bulk_API_Event_Type`, `Custom_Object__Feed`. */
const isName = (name: string) => /^[A-Za-z0-9]+$/.test(name)

/** User permissions, as the fields of permission sets and profiles name them. */
const permissions = ['PermissionSet', 'Profile'].flatMap((name) => {
  const page = JSON.parse(readFileSync(join(objects, `${name}.json`), 'utf8')) as Record<string, object | undefined>
  const fields = [...Object.keys(page['fields'] ?? {}), ...Object.keys(page['field_reference'] ?? {})]
  return fields.filter((field) => /^Permissions[A-Z0-9]/.test(field)).map((field) => field.slice('Permissions'.length))
})

/** In profiles that orgs gave out (forcedotcom/source-deploy-retrieve), and not in the reference. */
const SEEN = ['ManagePackageLicenses', 'ManageTranslation', 'ViewFlowUsageAndFlowEventData']

const list = (names: string[]) => [...new Set(names)].filter(isName).sort().join(' ')
const types = [...namesIn(metadata).filter((name) => !NO_TYPE.test(name)), ...ON_ANOTHER_PAGE]
process.stdout.write(
  `${JSON.stringify({ objects: list(namesIn(objects)), tooling: list(namesIn(tooling)), types: list(types), permissions: list([...permissions, ...SEEN]) }, null, 1)}\n`,
)
