// What a rule is: a code, what it looks at, and how it is evaluated. Rules are independent; check.ts
// runs them.

import { type MemberError } from '../../errors.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { type PlanField } from '../metadata/fields/field-kinds.ts'
import { type PlanObject, type PlanRecordType, type PlanValidationRule } from '../plan/schema.ts'
import { type Automation } from '../topology/automations/automation.ts'
import { type ConflictFacts, type MappingFacts, type PlannedWorkflow } from './facts.ts'

/** Worst first. */
export const SEVERITIES = ['red', 'yellow', 'green'] as const
/**
 * red: will fail, or destroys data, or stops this client's pushes. yellow: works, but changes
 * behaviour, may lose data or needs attention. green: safe.
 */
export type Severity = (typeof SEVERITIES)[number]

/** A metadata component, named as in package.xml. */
export interface FindingComponent {
  type: string
  fullName: string
}

/**
 * What a finding about the deploy as a whole is about. Salesforce lists package.xml among the
 * components of every deploy (Metadata API guide, DeployResult).
 */
export const WHOLE_PACKAGE: Readonly<FindingComponent> = Object.freeze({
  type: 'Package',
  fullName: 'package.xml',
})

export interface Finding {
  severity: Severity
  /** Stable: callers may act on it. */
  code: string
  message: string
  component: FindingComponent
  /** Dotted path of the member of the plan concerned; `workflows.0` for a workflow. */
  path: string
  /** What to do about it; null for a green one. */
  remedy: string | null
}

export type RuleGroup =
  | 'names'
  | 'types'
  | 'relations'
  | 'limits'
  | 'access'
  | 'automation'
  | 'data-path'
  | 'drift'
  | 'packages'
  | 'salesforce'
  | 'safe'

interface Place {
  component: FindingComponent
  path: string
}

export interface Subjects {
  /** The deploy as a whole. */
  package: Place & { kind: 'package' }
  object: Place & {
    kind: 'object'
    object: PlanObject
    exists: boolean
    /** As in the snapshot; null where it is new or could not be described. */
    describe: JsonObject | null
    /** False for an object that the plan only adds to. */
    isComponent: boolean
  }
  field: Place & {
    kind: 'field'
    object: PlanObject
    field: PlanField
    /** `Object.Field__c` */
    full: string
    objectExists: boolean
    describe: JsonObject | null
    /** The field's own entry in the describe; null where it is new or not visible. */
    existing: JsonObject | null
    /** What the object it refers to calls its relationship now, if the plan renames that; else null. */
    renames: string | null
  }
  record_type: Place & {
    kind: 'record_type'
    object: PlanObject
    recordType: PlanRecordType
    objectExists: boolean
    existing: JsonObject | null
  }
  validation_rule: Place & {
    kind: 'validation_rule'
    object: PlanObject
    rule: PlanValidationRule
    existing: Automation | null
  }
  /** Any other component of the plan; its kind says what to report about it. */
  component: Place & { kind: 'component' }
  workflow: Place & {
    kind: 'workflow'
    workflow: PlannedWorkflow
    existing: Automation | null
  }
}

export type SubjectKind = keyof Subjects
export type Subject = Subjects[SubjectKind]

/** The facts as rules read them: by name without regard to case. */
export interface Facts extends ConflictFacts {
  /** What the plan's own check found; empty for every plan that has passed it. */
  planErrors: readonly MemberError[]
  objectExists: (name: string) => boolean
  describeOf: (name: string) => JsonObject | null
  plannedObject: (name: string) => PlanObject | null
  plannedField: (object: string, field: string) => PlanField | null
  automationsOn: (object: string) => Automation[]
  mappingsTo: (object: string) => MappingFacts[]
}

export interface Verdict {
  /** Default: the first of the rule's severities. */
  severity?: Severity
  message: string
  /** Absent for a green one: there is nothing to do. */
  remedy?: string
  /** Member below the subject's path, e.g. `length`. */
  at?: string
  /** Set when the finding is about a different component than the subject's. */
  component?: FindingComponent
}

type Judgement = Verdict | readonly Verdict[] | null

export interface Rule {
  code: string
  group: RuleGroup
  on: SubjectKind
  severities: readonly [Severity, ...Severity[]]
  judge: (subject: Subject, facts: Facts) => Promise<readonly Verdict[]>
}

interface RuleText<Kind extends SubjectKind> {
  code: string
  severities: readonly [Severity, ...Severity[]]
  judge: (subject: Subjects[Kind], facts: Facts) => Judgement | Promise<Judgement>
}

const isOf = <Kind extends SubjectKind>(
  subject: Subject,
  kind: Kind,
): subject is Extract<Subject, { kind: Kind }> & Subjects[Kind] => subject.kind === kind

/** Makes rules of one group for one kind of subject; they ignore every other kind. */
export const rulesFor =
  (group: RuleGroup) =>
  <Kind extends SubjectKind>(on: Kind, { code, severities, judge }: RuleText<Kind>): Rule => ({
    code,
    group,
    on,
    severities,
    judge: async (subject, facts) => {
      if (!isOf(subject, on)) return []
      const judgement = await judge(subject, facts)
      if (judgement === null) return []
      return 'message' in judgement ? [judgement] : judgement
    },
  })
