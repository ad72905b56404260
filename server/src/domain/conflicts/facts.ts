// What the conflict check knows: the plan, the snapshot, this client's mappings, and what only the
// Salesforce org itself knows. The last is asked lazily, since each answer costs calls.

import { type JsonObject } from '../../salesforce/json.ts'
import { type AtStake } from '../metadata/fields/conversion.ts'
import { type NamedRecords } from '../metadata/named-records.ts'
import { type Plan } from '../plan/schema.ts'
import { type Automation } from '../topology/automations/automation.ts'
import { type PlannedWorkflow } from '../workflows/workflow.ts'

export { type PlannedWorkflow } from '../workflows/workflow.ts'

/** The part of a snapshot that a plan concerns. */
export interface SnapshotFacts {
  takenAt: Date
  /** That of the connected user, in which describes have their labels; null: not known. */
  language: string | null
  /** Every object of the Salesforce org that the connected user sees. */
  objectNames: readonly string[]
  /** Objects that exist and could not be described. */
  unreadable: readonly string[]
  /** What an earlier snapshot has but the connected user no longer sees: `Object`, `Object.Field`. */
  notVisible: readonly string[]
  /** Describes as Salesforce returns them, for the touched objects and those they refer to. */
  describes: ReadonlyMap<string, JsonObject>
  automations: readonly Automation[]
}

/**
 * Statistics of the values sent for one mapped field in a push; no value is kept except picklist
 * entries.
 */
export interface ValueProfile {
  empty: number
  /** In characters; null where no value was a text. */
  longest: number | null
  smallest: number | null
  largest: number | null
  /** Rows per value; null where the field was not a picklist. */
  values: Readonly<Record<string, number>> | null
}

export interface LastPush {
  rows: number
  /** By API name of the Salesforce field. */
  fields: Readonly<Record<string, ValueProfile>>
}

/** One of this client's active mappings. */
export interface MappingFacts {
  canonical_object: string
  sfdc_object: string
  external_id_field: string | null
  fields: readonly {
    canonical_field: string
    sfdc_field: string
    required: boolean
    /** Whether a value is sent where the canonical record has none. */
    has_default: boolean
  }[]
  lastPush: LastPush | null
}

export interface Allowance {
  max: number
  remaining: number
}

/** Salesforce: rows of Tooling EntityLimit, by their Type. */
export type ObjectLimits = Readonly<
  Partial<
    Record<
      'CustomFields' | 'CustomRelationship' | 'RollupSummary' | 'ActiveValidationRules',
      Allowance
    >
  >
>

/** Of the whole Salesforce org, from REST /limits. */
export interface OrgLimits {
  dailyApiRequests: Allowance | null
}

export interface ConnectedUser {
  username: string
  /** System permissions as PermissionSet names them without `Permissions`: `CustomizeApplication` … */
  permissions: ReadonlySet<string>
}

export interface Organization {
  /** OrganizationType, e.g. `Enterprise Edition`. */
  edition: string
  isSandbox: boolean
  /** In which master labels are; null: not known. */
  language?: string | null
}

export interface InstalledPackage {
  namespace: string | null
  name: string
}

/** Soft-deleted names, as they were before; Salesforce keeps them for 15 days. */
export interface DeletedNames {
  objects: readonly string[]
  /** `Object.Field__c` */
  fields: readonly string[]
}

export interface LookedUp {
  exists: boolean
  managed: boolean
  /** For objects: whether Salesforce allows custom fields on it. */
  customizable?: boolean
}

export interface Usage {
  /** Metadata type, e.g. ApexClass, Layout, Report. */
  type: string
  name: string
}

export interface PackageSize {
  files: number
  zipBytes: number
  unzippedBytes: number
}

/**
 * Records by default; `deleted_too` includes those in the Recycle Bin, which Salesforce counts where a
 * change of a field must be valid for every record.
 */
export type Counted = 'present' | 'deleted_too'

/**
 * What a rule may ask the Salesforce org. Null means that the answer is not known (missing permission, a
 * field that cannot be filtered, a failed count): the report then says so. Each question is asked once
 * per check, however many rules need it. A rejection ends the check.
 */
export interface LiveFacts {
  recordCount(object: string, counted?: Counted): Promise<number | null>
  /** Records in which the field is not empty. */
  filledCount(object: string, field: string, counted?: Counted): Promise<number | null>
  /** Records that a change of the field would make lose something. */
  rowsAtStake(object: string, field: string, atStake: AtStake): Promise<number | null>
  /** Values of the field that more than one record holds. */
  duplicatesOf(object: string, field: string, counted?: Counted): Promise<number | null>
  /** Records per value of a picklist, empty ones left out. */
  valueCounts(object: string, field: string): Promise<ReadonlyMap<string, number> | null>
  /** Custom fields that exist whether or not the connected user sees them (Tooling FieldDefinition). */
  allFields(object: string): Promise<readonly string[] | null>
  objectLimits(object: string): Promise<ObjectLimits | null>
  limits(): Promise<OrgLimits | null>
  connectedUser(): Promise<ConnectedUser | null>
  organization(): Promise<Organization | null>
  packages(): Promise<readonly InstalledPackage[] | null>
  whereUsed(type: string, fullName: string): Promise<readonly Usage[] | null>
  deletedNames(): Promise<DeletedNames | null>
  lookUp(type: string, fullName: string): Promise<LookedUp | null>
  recordExists(records: NamedRecords, name: string): Promise<boolean | null>
  /** How many components of the type belong to the Salesforce org itself, and to no package. */
  componentCount(type: string): Promise<number | null>
  /** The content of a component's file, without its name; null also if it does not exist. */
  contentOf(type: string, fullName: string): Promise<JsonObject | null>
  /** Whether the object's describe now differs from the snapshot's. */
  changedSinceSnapshot(object: string): Promise<boolean | 'not_visible' | null>
  /** The fields that the connected user sees now. */
  visibleFields(object: string): Promise<readonly string[] | null>
  /** The size of what would be sent. */
  packageSize(): Promise<PackageSize | null>
}

/** What Salesforce reported about one component in a deploy with `checkOnly`. */
export interface SalesforceProblem {
  type: string
  fullName: string
  problem: string
  kind: 'Error' | 'Warning'
}

export interface ConflictFacts {
  plan: Plan
  workflows: readonly PlannedWorkflow[]
  snapshot: SnapshotFacts
  mappings: readonly MappingFacts[]
  live: LiveFacts
  /** Share of the daily API requests that is reserved for the client's other tools. */
  apiReservePercent: number
  /** Null if no validation deploy was requested. */
  salesforceProblems: readonly SalesforceProblem[] | null
  now: Date
}

/** Called with what was asked and the answer, or null. */
type Watcher = (question: string, answer: unknown) => void

const countName = (what: string, counted: Counted): string =>
  counted === 'present' ? what : `${what} (Recycle Bin included)`

/** Asks each question once; all watchers share the answers. */
export class LiveMemory {
  readonly #live: LiveFacts
  readonly #answers = new Map<string, Promise<unknown>>()

  constructor(live: LiveFacts) {
    this.#live = live
  }

  /** The same facts for one asker; `tell` is called with every answer it gets. */
  watch(tell: Watcher): LiveFacts {
    const live = this.#live
    const ask = async <T>(what: string, names: readonly string[], get: () => Promise<T>) => {
      const question = names.length === 0 ? what : `${what} of ${names.join('.')}`
      const key = question.toLowerCase()
      let pending = this.#answers.get(key) as Promise<T> | undefined
      if (pending === undefined) {
        pending = get()
        this.#answers.set(key, pending)
      }
      const answer = await pending
      tell(question, answer)
      return answer
    }
    return {
      recordCount: (object, counted = 'present') =>
        ask(countName('the record count', counted), [object], () =>
          live.recordCount(object, counted),
        ),
      filledCount: (object, field, counted = 'present') =>
        ask(countName('the number of filled rows', counted), [object, field], () =>
          live.filledCount(object, field, counted),
        ),
      rowsAtStake: (object, field, atStake) =>
        // A field changes in one way only, so its name identifies the question.
        ask('the number of values that would be lost', [object, field], () =>
          live.rowsAtStake(object, field, atStake),
        ),
      duplicatesOf: (object, field, counted = 'present') =>
        ask(countName('the duplicate values', counted), [object, field], () =>
          live.duplicatesOf(object, field, counted),
        ),
      valueCounts: (object, field) =>
        ask('the number of records per picklist value', [object, field], () =>
          live.valueCounts(object, field),
        ),
      allFields: (object) =>
        ask('the list of hidden fields', [object], () => live.allFields(object)),
      objectLimits: (object) => ask('the limits', [object], () => live.objectLimits(object)),
      limits: () => ask('the limits of the Salesforce org', [], () => live.limits()),
      connectedUser: () =>
        ask('the permissions of the connected user', [], () => live.connectedUser()),
      organization: () => ask('the edition of the Salesforce org', [], () => live.organization()),
      packages: () => ask('the installed packages', [], () => live.packages()),
      whereUsed: (type, fullName) =>
        ask('the uses', [`${type} ${fullName}`], () => live.whereUsed(type, fullName)),
      deletedNames: () => ask('the names of deleted components', [], () => live.deletedNames()),
      lookUp: (type, fullName) =>
        ask('the presence', [`${type} ${fullName}`], () => live.lookUp(type, fullName)),
      recordExists: (records, name) =>
        ask('the presence', [`${records.noun} ${name}`], () => live.recordExists(records, name)),
      componentCount: (type) =>
        ask('the number', [`components of type ${type}`], () => live.componentCount(type)),
      contentOf: (type, fullName) =>
        ask('the content', [`${type} ${fullName}`], () => live.contentOf(type, fullName)),
      changedSinceSnapshot: (object) =>
        ask('changes since the snapshot', [object], () => live.changedSinceSnapshot(object)),
      visibleFields: (object) =>
        ask('the visible fields', [object], () => live.visibleFields(object)),
      packageSize: () => ask('the size of the package', [], () => live.packageSize()),
    }
  }
}
