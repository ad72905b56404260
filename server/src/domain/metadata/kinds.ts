// Every kind of metadata component that a plan can touch. A kind is a file in kinds/ and a line here.

import { appTabs } from './kinds/app-tabs.ts'
import { businessProcess } from './kinds/business-process.ts'
import { compactLayout } from './kinds/compact-layout.ts'
import { customField } from './kinds/custom-field.ts'
import { customLabel } from './kinds/custom-label.ts'
import { customMetadataRecord } from './kinds/custom-metadata-record.ts'
import { customObject } from './kinds/custom-object.ts'
import { customTab } from './kinds/custom-tab.ts'
import { fieldSet } from './kinds/field-set.ts'
import { globalValueSet } from './kinds/global-value-set.ts'
import { type ComponentKind, type FileKind, type PartKind } from './kinds/kind.ts'
import { layout } from './kinds/layout.ts'
import { listView } from './kinds/list-view.ts'
import { permissionSet } from './kinds/permission-set.ts'
import { permissionSetGroup } from './kinds/permission-set-group.ts'
import { profile } from './kinds/profile.ts'
import { publicGroup } from './kinds/public-group.ts'
import { queue } from './kinds/queue.ts'
import { recordType } from './kinds/record-type.ts'
import { validationRule } from './kinds/validation-rule.ts'
import { type Component } from './names.ts'

/** In the order of reports and of package.xml. */
export const COMPONENT_KINDS: readonly ComponentKind[] = [
  customObject,
  customField,
  businessProcess,
  recordType,
  validationRule,
  compactLayout,
  listView,
  fieldSet,
  permissionSet,
  profile,
  layout,
  customTab,
  globalValueSet,
  publicGroup,
  queue,
  customLabel,
  permissionSetGroup,
  customMetadataRecord,
  appTabs,
]

const BY_TYPE: ReadonlyMap<string, ComponentKind> = new Map(
  COMPONENT_KINDS.map((kind) => [kind.type, kind]),
)

/** Null for a type that no plan touches. */
export const kindOf = (type: string): ComponentKind | null => BY_TYPE.get(type) ?? null

export const FILE_KINDS: readonly FileKind[] = COMPONENT_KINDS.filter((kind) => 'folder' in kind)

export const PART_KINDS: readonly PartKind[] = COMPONENT_KINDS.filter((kind) => 'list' in kind)

/** The object to which a component belongs; null for one that is independent. */
export const objectOf = ({ type, fullName }: Component): string | null =>
  kindOf(type)?.objectOf(fullName) ?? null

/** Path of the file of a component; null for one inside an object's file. */
export const filePath = (type: string, fullName: string): string | null => {
  const kind = kindOf(type)
  if (kind === null || 'list' in kind) return null
  return `${kind.folder}/${kind.within?.name ?? fullName}.${kind.suffix}`
}

/**
 * The component whose file has this path in a package, by the name of the file if several share it; null
 * for other files.
 */
export const componentAt = (path: string): Component | null => {
  const kind = FILE_KINDS.find(
    ({ folder, suffix }) => path.startsWith(`${folder}/`) && path.endsWith(`.${suffix}`),
  )
  return kind === undefined
    ? null
    : { type: kind.type, fullName: path.slice(kind.folder.length + 1, -kind.suffix.length - 1) }
}
