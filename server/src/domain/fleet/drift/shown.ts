// Which components of a blueprint a snapshot shows: in describes and automations. The others are in files.

const SHOWN: ReadonlySet<string> = new Set([
  ...['CustomObject', 'CustomField', 'RecordType', 'ValidationRule'],
  ...['Flow', 'AssignmentRule', 'Mapping'],
])

/** Mappings are our own rows, and known as well. */
export const isShownBySnapshot = (type: string): boolean => SHOWN.has(type)
