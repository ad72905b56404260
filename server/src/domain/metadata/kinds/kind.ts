// What each kind of metadata component knows about itself. Each kind has a file beside this one and a line in
// ../kinds.ts; the code that compiles, reads, compares, reports or rolls back asks the row.

import { EngineError } from '../../../errors.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type XmlValue } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanObject } from '../../plan/schema.ts'
import { type Holder, type WantedEntry } from '../entries.ts'
import { type Measure } from '../fields/at-stake.ts'
import { type NamedRecords } from '../named-records.ts'
import { type Component, memberOf, nameFault, ownerOf, sameName } from '../names.ts'
import { type ObjectImage } from '../object-file.ts'
import { type Reversibility } from '../reversibility.ts'
import {
  type Change,
  type MergeChanges,
  type Scene,
  type Settled,
  type Undoing,
} from '../undoing.ts'

/** What a plan creates or changes, and the dotted path of the member that says so. */
export interface Named {
  fullName: string
  path: string
}

export interface PlanComponent extends Component, Named {}

interface AnyKind {
  /** Salesforce's name for it, in package.xml and for the root of its file. */
  type: string
  /** The components of this kind that the plan creates or changes, in the plan's order. */
  named: (plan: Plan) => Named[]
  /** The object to which it belongs; null for one that is independent. */
  objectOf: (fullName: string) => string | null
  deletion: Deletion
  /** Objects that its part of a plan mentions; its rules may ask for their describes. */
  mentions?: (plan: Plan) => string[]
  /** What is wrong with its part of a plan, beyond what the schema checks. */
  check?: (plan: Plan, findings: Findings) => void
  /** Access to it in permission sets and profiles. */
  access?: {
    /** Entries that the plan wants. */
    wanted: (plan: Plan, holder: Holder) => WantedEntry[]
    /** Lists whose entries name one of these: the entries are deleted with it. */
    lists: readonly string[]
    /** The names to look for. Default: its full name. */
    keysOf?: (fullName: string) => string[]
  }
  /** What is lost when one is deleted: the records of an object, the values of a field. */
  holds?: 'records' | 'values'
  /**
   * What records lose by a change of it, in the deploy or in the rollback; null if nothing. Salesforce
   * is asked before `reversibility`, and before it is restored.
   */
  stake?: (fullName: string, from: JsonObject, to: JsonObject) => Stake | null
  /** Whether a deployment of it can be rolled back, known beforehand. */
  reversibility: (step: Step) => Reversibility
  /**
   * What happens to one when its deployment is rolled back. A kind whose file holds entries of other
   * components returns a function, which is called once it is known what happens to those.
   */
  undo: (change: Change, scene: Scene) => Undoing | ((settled: Settled) => Undoing)
  /**
   * The conflict check reads its own file, or its element in the file of an object, to know whether and
   * how a deployment changes it.
   */
  isToldByItsFile?: boolean
  /**
   * How a deploy finds out whether one changed since the report that it names. Default: by its content.
   * `describe`: by the describe of its object. `nothing`: a deployment adds to whatever it holds.
   */
  comparedBy?: 'describe' | 'nothing'
  /** What the conflict check reports about one, beyond what it reports about any component. */
  rules?: readonly KindRule[]
}

/** A kind with a file for each component, or with one for all of them. */
export interface FileKind extends AnyKind {
  folder: string
  suffix: string
  /**
   * The one file that holds all of them, if they have no files of their own: its name, its root, and the
   * list whose elements they are.
   */
  within?: { name: string; root: string; list: string }
  /** Full names to read before a plan is compiled, and to keep as its before-image. */
  toRead: (plan: Plan) => string[]
  /** Components whose files say what its own may contain; they are read with it, but not changed. */
  buildsOn?: (plan: Plan) => Component[]
  /** Salesforce returns of one only what is named in the same package. */
  isReadInPart?: boolean
  /** Others also write to the file: it is restored as soon as nothing of ours is left in it. */
  isShared?: boolean
  /** It changes describes of objects that the plan may not name. */
  isDescribedAnywhere?: boolean
  /** Salesforce does not delete one that something uses. */
  isKeptWhileUsed?: boolean
  /** Salesforce does not delete one that a component of another file names: where to look, and for what. */
  namedIn?: {
    type: string
    /** Full names of the files, by the content of the one that they may name. */
    files: (content: JsonObject) => string[]
    /** The components of a file that name it. */
    by: (fullName: string, file: JsonObject) => Component[]
  }
  /**
   * Salesforce does not delete one that is part of a component: the records that join the two, the field
   * that refers to it, and the path to the name of the other.
   */
  partOf?: { type: string; object: string; field: string; nameField: string }
  /** Records that must not lose their owner or group by a deletion: those with its id in a field. */
  heldBy?: (content: JsonObject) => { object: string; field: string }[]
  /** The part of a file, read by its root, that is compared. Default: all of it. */
  contentOf?: (text: string) => JsonObject
  /**
   * The files that the plan creates or changes, merged into what exists. Throws EngineError
   * `invalid_plan` if the plan builds on something that does not exist.
   */
  compile: (context: Compiling) => CompiledFile[]
}

/** A kind whose components are elements of their object's file. */
export interface PartKind extends AnyKind {
  /** Name of the elements. */
  list: string
  /** What the plan wants of them on one object, merged into what exists. */
  elements: (object: PlanObject, image: ObjectImage | null) => PlannedPart[]
}

export type ComponentKind = FileKind | PartKind

export interface Deletion {
  /**
   * Its position in a deletion: what refers to others is deleted before them. Null if it cannot be
   * deleted by API.
   */
  place: number | null
  /** Whether one of the plan is deleted together with its object. */
  withObject: (plan: Plan) => (fullName: string) => boolean
  /** The order in which several are deleted. Default: by name. */
  sorted?: (fullNames: readonly string[], plan: Plan) => string[]
}

export interface Compiling {
  plan: Plan
  /** The file of a component as it is now; null if it does not exist. */
  current: (type: string, fullName: string) => string | null
  /** Entries that the plan wants in permission sets or profiles, each once. */
  access: (holder: Holder) => WantedEntry[]
  parts: readonly PartKind[]
}

export interface CompiledFile {
  fullName: string
  /** Null if all of it is in place, so that nothing is sent. */
  text: string | null
  /** Components in it that are in place. */
  unchanged: readonly Component[]
  noted?: Partial<MergeChanges>
}

export interface PlannedPart {
  apiName: string
  element: Record<string, XmlValue>
  /** Its element as it is now, in the form of `element`; null if it does not exist. */
  before: JsonObject | null
}

/** What a deployment is about to do with a component. */
export interface Step {
  made: boolean
  /** The component before the deployment and as deployed; null if not known. */
  before: JsonObject | null
  after: JsonObject | null
  /** Its object is created by the same plan. */
  withObject: boolean
  /** Rows that lose something by it, if `stake` asks for them; null if not known. */
  lostRows: number | null
}

/** Records that lose something when a component changes from one state to another. */
export interface Stake {
  object: string
  field: string
  /** How to find out which; null if that is not possible. */
  measure: Measure | null
  /** What they lose. */
  loses: string
}

/** What a rule may ask; null if Salesforce does not answer. */
export interface Asked {
  plan: Plan
  objectExists: (name: string) => boolean
  /** In the plan or in the Salesforce org; null also for an object that was not described. */
  fieldExists: (object: string, field: string) => Promise<boolean | null>
  lookUp: (type: string, fullName: string) => Promise<{ exists: boolean; managed: boolean } | null>
  recordExists: (records: NamedRecords, name: string) => Promise<boolean | null>
  /** Of objects of the plan, and of those that its components mention (`mentions`). */
  describeOf: (object: string) => JsonObject | null
  /** The content of a component's file; null if it does not exist, or is not known. */
  contentOf: (type: string, fullName: string) => Promise<JsonObject | null>
}

export interface Word {
  message: string
  /** Absent for a green finding: there is nothing to do. */
  remedy?: string
  /** Member below the component's path. */
  at?: string
}

/**
 * A finding of the conflict check about one component: red will fail, yellow needs attention, green is
 * safe.
 */
export interface KindRule {
  code: string
  severity: 'red' | 'yellow' | 'green'
  judge: (component: PlanComponent, asked: Asked) => Word | null | Promise<Word | null>
}

/** The refusal of a plan that builds on something that does not exist. */
export const refusal = (path: string, code: string, message: string): EngineError =>
  new EngineError('invalid_plan', message, { errors: [{ path, code, message }] })

/** A list of a plan's object whose members are components of their own. */
export type PartList = {
  [Name in keyof PlanObject]-?: PlanObject[Name] extends readonly { api_name: string }[]
    ? Name
    : never
}[keyof PlanObject]

/** The members of one list of the plan's objects, named as Salesforce names parts of an object. */
export const partsNamed =
  (list: PartList) =>
  (plan: Plan): Named[] =>
    plan.objects.flatMap((object, index) =>
      object[list].map(({ api_name }, at) => ({
        fullName: `${object.api_name}.${api_name}`,
        path: `objects.${index}.${list}.${at}`,
      })),
    )

/** Reports what is wrong with the names in one list of the plan's objects. `noun` is one of them. */
export const checkPartNames = (
  plan: Plan,
  list: PartList,
  { noun, max }: { noun: string; max: number },
  findings: Findings,
): void => {
  for (const [index, object] of plan.objects.entries()) {
    const names = object[list].map(({ api_name }) => api_name)
    const path = (at: number) => ['objects', index, list, at, 'api_name']
    reportDuplicates(names, (name) => `${noun} ${name} of ${object.api_name}`, path, findings)
    for (const [at, name] of names.entries()) {
      const fault = nameFault(name, `${noun} name ${name}`, max)
      if (fault !== null) findings.add(path(at), fault.code, fault.message)
    }
  }
}

/** A member of one list of the plan's objects and its object, by the full name. */
export const plannedPart = <List extends PartList>(
  { objects }: Plan,
  list: List,
  fullName: string,
): { object: PlanObject; part: PlanObject[List][number] } | null => {
  const object = objects.find(({ api_name }) => sameName(api_name) === sameName(ownerOf(fullName)))
  const parts: readonly PlanObject[List][number][] = object?.[list] ?? []
  const part = parts.find(({ api_name }) => sameName(api_name) === sameName(memberOf(fullName)))
  return object === undefined || part === undefined ? null : { object, part }
}

/** Whether they are deleted with the object, for kinds where that does not depend on the plan. */
export const always = () => (): boolean => true
export const never = () => (): boolean => false
