// Global variables that formulas and flows name, and whether what they name exists. Salesforce: Help,
// "Global Variables".

import { keyOf, sameName } from '../metadata/names.ts'
import { componentsOf } from '../plan/components.ts'
import { type Facts } from './rule.ts'

/** Of formula fields, rules, default values and buttons. */
const KNOWN: ReadonlySet<string> = new Set(
  `$action $api $asset $component $componentlabel $credential $currentpage $custommetadata $fieldset
  $label $network $objecttype $organization $page $permission $profile $record $recordtype $request
  $resource $scontrol $setup $site $system $user $userrole`.split(/\s+/),
)

const isMissing = async (type: string, fullName: string, { plan, live }: Facts) => {
  const key = keyOf({ type, fullName })
  if (componentsOf(plan).some((component) => keyOf(component) === key)) return false
  return (await live.lookUp(type, fullName))?.exists === false
}

/** `Tier__mdt` is of the Salesforce org itself, `ns__Tier__mdt` of a package, whose parts are not listed. */
const isPackaged = (name: string): boolean => /__/.test(name.replace(/__mdt$/i, ''))

/** Whether a path such as `$Label.Welcome` names something that does not exist. */
const leadsNowhere = async (steps: readonly string[], facts: Facts): Promise<boolean> => {
  const [root = '', name, record] = steps
  switch (sameName(root)) {
    case '$label':
      return name !== undefined && !isPackaged(name) && isMissing('CustomLabel', name, facts)
    case '$custommetadata': {
      if (name === undefined || isPackaged(name)) return false
      if (await isMissing('CustomObject', name, facts)) return true
      return (
        record !== undefined &&
        !isPackaged(record) &&
        isMissing('CustomMetadata', `${name.replace(/__mdt$/i, '')}.${record}`, facts)
      )
    }
    // A custom setting is an object; those of packages are looked up as well.
    case '$setup':
      return (
        name !== undefined &&
        !facts.objectExists(name) &&
        facts.plannedObject(name) === null &&
        isMissing('CustomObject', name, facts)
      )
    case '$permission':
      return name !== undefined && !isPackaged(name) && isMissing('CustomPermission', name, facts)
    default:
      return false
  }
}

/** Of these paths of a formula, those of global variables that do not exist, or name what does not. */
export const missingGlobals = async (
  paths: readonly (readonly string[])[],
  facts: Facts,
): Promise<string[]> => {
  const judged = await Promise.all(
    paths
      .filter(([root]) => root?.startsWith('$') === true)
      .map(async (steps) => ((await leadsNowhere(steps, facts)) ? [steps.join('.')] : [])),
  )
  return judged.flat()
}

/** Those that begin with a global variable which Salesforce does not have in formulas. */
export const unknownGlobals = (paths: readonly (readonly string[])[]): string[] =>
  paths.flatMap((steps) => {
    const [root = ''] = steps
    return root.startsWith('$') && !KNOWN.has(sameName(root)) ? [steps.join('.')] : []
  })
