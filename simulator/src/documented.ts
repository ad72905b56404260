// What Salesforce documents by name. What is listed here but not in the simulator is refused as not
// simulated, so that nobody concludes that Salesforce does not have it either.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '../data/names.json')
const names = JSON.parse(readFileSync(FILE, 'utf8')) as Record<
  'objects' | 'tooling' | 'types' | 'permissions',
  string
>
const setOf = (list: string): ReadonlySet<string> => new Set(list.toLowerCase().split(' '))

const OBJECTS = setOf(names.objects)
const TOOLING = setOf(names.tooling)
const TYPES = setOf(names.types)

/** Platform Events Developer Guide, "Standard Platform Event Object List"; most are not in the reference. */
const EVENTS = setOf(
  'AIPredictionEvent AIUpdateRecordEvent AssetTokenEvent BatchApexErrorEvent CommerceDiagnosticEvent ' +
    'FlowExecutionErrorEvent FOStatusChangedEvent OrderSummaryCreatedEvent OrderSumStatusChangedEvent ' +
    'PlatformStatusAlertEvent ProcessExceptionEvent RemoteKeyCalloutEvent',
)

/** Salesforce: only in a Dev Hub (Salesforce DX guide). Any other org says that it has none. */
const DEV_HUB = setOf('ScratchOrgInfo ActiveScratchOrg NamespaceRegistry SignupRequest')

/** Tables that Salesforce keeps for an object: Object Reference, "Associated Objects". */
const COMPANION = /(History|Share|Feed|Tag|ChangeEvent|OwnerSharingRule)$/i

/** Whether REST has an object of this name in orgs like the simulated ones, in any letter case. */
export const isDocumentedObject = (name: string): boolean => {
  const lower = name.toLowerCase()
  if (DEV_HUB.has(lower)) return false
  return (
    OBJECTS.has(lower) ||
    EVENTS.has(lower) ||
    (COMPANION.test(lower) && OBJECTS.has(lower.replace(COMPANION, '')))
  )
}

/** Whether the Tooling API has an object of this name; it has most of those of REST too. */
export const isDocumentedInTooling = (name: string): boolean =>
  TOOLING.has(name.toLowerCase()) || isDocumentedObject(name)

/** Whether the Metadata API has a type of this name. */
export const isDocumentedType = (name: string): boolean => TYPES.has(name.toLowerCase())

/** Every user permission, as `PermissionSet` has it after `Permissions`: `ApiEnabled`. */
export const USER_PERMISSIONS: ReadonlySet<string> = new Set(names.permissions.split(' '))
