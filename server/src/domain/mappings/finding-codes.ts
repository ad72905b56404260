// Every code of a mapping finding, in general words: a finding itself has the names of its mapping.

interface MappingCodeText {
  meaning: string
  remedy: string
}

const codes = <T extends Record<string, MappingCodeText>>(table: T): Readonly<T> =>
  Object.freeze(table)

const GRANT = 'Grant the connected user access in Salesforce, then pull the topology.'

export const MAPPING_CODES = codes({
  object_unknown: {
    meaning:
      'The snapshot has no object of this name: it does not exist, or the connected user cannot see it.',
    remedy: 'Correct the name, deploy the object, or grant access to it; then pull the topology.',
  },
  object_not_visible: {
    meaning: 'An earlier snapshot has the object, but the connected user no longer sees it.',
    remedy: GRANT,
  },
  object_unreadable: {
    meaning: 'The object exists and could not be described, so its fields are not known.',
    remedy: 'See stats.unreadable of the snapshot for the reason, then pull the topology again.',
  },
  object_partly_writable: {
    meaning: 'The connected user can either only create or only change records of the object.',
    remedy: 'Grant the missing object permission, if the mapping needs it.',
  },
  object_not_writable: {
    meaning: 'The connected user can neither create nor change records of the object.',
    remedy: 'Grant the object permissions, if Salesforce offers them for this object.',
  },
  no_key: {
    meaning:
      'The mapping has no external id, so push/records is not possible; records are only updated and linked by their Id.',
    remedy: 'Set external_id_field, or leave it out if that is what you want.',
  },
  key_unknown: {
    meaning: 'The external id field of the mapping does not exist on the object.',
    remedy: 'Correct its name, or deploy the field and pull the topology.',
  },
  key_not_mapped: {
    meaning: 'No canonical field is mapped to the external id, so every record would lack its key.',
    remedy: 'Map the canonical field that identifies the record to it.',
  },
  key_not_external_id: {
    meaning:
      'The field is neither an external id nor an idLookup field, so Salesforce cannot upsert by it.',
    remedy: 'Use a field that is one, or deploy a unique text field as external id.',
  },
  key_not_unique: {
    meaning:
      'Several records can have the same key; Salesforce refuses a row that matches more than one.',
    remedy: 'Make the field unique, or use an external id that is.',
  },
  key_not_writable: {
    meaning:
      'The key cannot be set when a record is created, so a record that a push creates is never found again.',
    remedy: 'Use an external id that can be written.',
  },
  external_id_missing: {
    meaning: 'Records cannot be pushed: the mapping names no external id, or does not map it.',
    remedy: 'Set external_id_field, and map the canonical field that identifies the record to it.',
  },
  external_id_unusable: {
    meaning: 'Records cannot be pushed: Salesforce cannot find records by the external id field.',
    remedy: 'Use a field that is an external id or an idLookup field.',
  },
  default_on_key: {
    meaning: 'A default for the external id would give all records without a key the same key.',
    remedy: 'Leave the default out; a record without a key fails by itself.',
  },
  default_on_unique: {
    meaning: 'The field is unique, so only one record could have the default.',
    remedy: 'Leave the default out.',
  },
  canonical_id_shadowed: {
    meaning:
      'The canonical field is named id, but in the match of status updates and links id is Salesforce’s own Id.',
    remedy: 'Give the canonical field a different name if you match by it.',
  },
  field_unknown: {
    meaning:
      'The object has no field of this name: it does not exist, or the connected user cannot see it.',
    remedy: 'Correct the name, deploy the field, or grant access to it; then pull the topology.',
  },
  field_not_visible: {
    meaning: 'An earlier snapshot has the field, but the connected user no longer sees it.',
    remedy: GRANT,
  },
  field_is_relationship: {
    meaning: 'The name is that of a relationship, not of a field.',
    remedy: 'Name the lookup field, or the parent’s key after a dot, as in Account.Key__c.',
  },
  field_mapped_twice: {
    meaning: 'Two entries of the mapping write the same field.',
    remedy: 'Keep one of the two.',
  },
  field_read_only: {
    meaning:
      'The field cannot be written: Salesforce fills it, or the connected user can only read it.',
    remedy: 'Grant edit access if it is an ordinary field; otherwise map to a different one.',
  },
  field_type_unsupported: {
    meaning: 'Pushes do not carry values of this type, such as the content of files.',
    remedy: 'Map to a different field.',
  },
  field_only_on_create: {
    meaning:
      'The field can be written only when a record is created; existing records keep their value.',
    remedy:
      'Make the field editable if it is to change later (for a master-detail, allow reparenting).',
  },
  field_only_on_update: {
    meaning:
      'The field can be written only on records that exist; rows that create one would fail.',
    remedy: 'Leave it out if records are created by this mapping.',
  },
  required_field_not_mapped: {
    meaning: 'Salesforce requires the field and nothing maps to it: every new record would fail.',
    remedy: 'Map it; if the records have no such value, give a default.',
  },
  required_field_optional: {
    meaning: 'Salesforce requires the field, and the mapping may leave it empty.',
    remedy: 'Set required, so that such a row fails before it is sent, or give a default.',
  },
  relationship_unknown: {
    meaning: 'The object has no relationship of this name.',
    remedy: 'Correct the name before the dot; custom relationships end with __r.',
  },
  parent_ambiguous: {
    meaning: 'The relationship leads to several objects, and a key alone does not say which.',
    remedy: 'Name the object before a colon, as in User:Owner.Email.',
  },
  parent_not_referenced: {
    meaning: 'The relationship does not lead to the object that is named before the colon.',
    remedy: 'Name one of the objects that it leads to.',
  },
  parent_key_unknown: {
    meaning: 'The parent object has no field of the name after the dot.',
    remedy: 'Correct the name, or deploy the field and pull the topology.',
  },
  parent_key_not_external_id: {
    meaning:
      'Parents cannot be found by this field: it is neither an external id nor an idLookup field.',
    remedy: 'Use a field of the parent that is one, or make it an external id.',
  },
  parent_key_not_unique: {
    meaning: 'Several parents can have the same key; a row that matches more than one fails.',
    remedy: 'Make the parent’s key unique, or use a different one.',
  },
  parents_not_pushed: {
    meaning: 'A mapping looks up parents that no mapping pushes any longer.',
    remedy: 'Make sure the parents get into Salesforce another way, or remove the lookup.',
  },
  value_type_mismatch: {
    meaning: 'A default or a value of the value map does not fit the type of the field.',
    remedy: 'Use a value of the field’s type.',
  },
  value_out_of_range: {
    meaning: 'A default or a value of the value map has more digits than the field holds.',
    remedy: 'Use a smaller number, or map to a larger field.',
  },
  value_too_long: {
    meaning: 'A default or a value of the value map is longer than the field.',
    remedy: 'Shorten the value, or map to a longer field.',
  },
  value_not_in_picklist: {
    meaning: 'The picklist is restricted, and the value is not one of its active values.',
    remedy: 'Use a value from the list, or add this one to it.',
  },
  value_new_to_picklist: {
    meaning: 'The value is not in the list; Salesforce accepts it anyway, outside the list.',
    remedy: 'Use a value from the list if you meant one.',
  },
  more_values: {
    meaning: 'More values of the value map do not fit than are listed.',
    remedy: 'Correct the listed ones and validate again.',
  },
})

export type MappingCode = keyof typeof MAPPING_CODES
