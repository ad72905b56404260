// What each code of the conflict check means, in general words: a finding itself has the names of its
// plan. A green finding needs nothing done.

export interface FindingText {
  meaning: string
  /** Null: nothing to do. */
  remedy: string | null
}

const NAMES = 'Correct the name in the plan.'
const OWN = 'Use one of your own, with a different name.'
const SAME_NAME = 'Make sure that it is the one you mean, or choose a different name.'
const KEEP = 'Use activate "keep" if you do not want this.'
const GRANT =
  'Grant the permission to the connected user in a permission set or profile, or connect a different user.'
const PLAN_OR_NAME = 'Add it to the plan, correct its name, or leave it out.'
const TRY_FEW = 'Push a few records first, or ask the owner of the automation.'
const PULL = 'Pull the topology and check again, or check with refresh: true.'

/** By code: the meaning, and what to do about it if there is anything. */
const TEXTS: Readonly<Record<string, readonly [meaning: string, remedy?: string]>> = {
  // The check itself, and the plan
  not_checked: [
    'Salesforce did not return something that the check needs, so the component could not be fully checked.',
    'Make sure the connected user can read setup and data, then check again.',
  ],
  plan_invalid: [
    'The plan contradicts itself or is incomplete.',
    'Correct the member at the path.',
  ],
  plan_does_not_fit: [
    'The plan cannot be built on a component as it is in the Salesforce org.',
    'Correct the plan, or change the component in Salesforce first.',
  ],
  duplicate: ['The plan names the same thing twice.', 'Keep only one of the two.'],
  attribute_not_allowed: [
    'An attribute has no effect on this type of field, or on this field.',
    'Leave the attribute out.',
  ],
  attributes_conflict: ['Two attributes of a field exclude each other.', 'Keep one of the two.'],
  bad_display_format: [
    'The display format of an auto number has no place for the number, more than one, more than ten digits, or other things in braces.',
    'Include the number once, for example {0000}; otherwise only {YYYY}, {YY}, {MM} and {DD} stand in braces.',
  ],
  not_supported_yet: [
    'The plan asks for something that this API cannot deploy yet.',
    'Create it in Salesforce by hand.',
  ],
  scale_over_precision: [
    'A number has more decimal places than digits in all.',
    'Raise precision or lower scale.',
  ],
  sharing_model_conflict: [
    'An object with a master-detail can only have the sharing of its parent.',
    'Use ControlledByParent, or leave sharing_model out.',
  ],
  too_many_master_details: [
    'The plan gives an object more master-details than Salesforce allows.',
    'Make the last one a Lookup.',
  ],
  too_many_relationships: [
    'The plan gives an object more relationships than Salesforce allows.',
    'Remove relationships from the plan.',
  ],
  not_a_master_detail: [
    'A roll-up is planned over a field that is not a master-detail to its object.',
    'Roll up over a master-detail to this object.',
  ],

  // Names and labels
  name_bad_character: [
    'A name holds a character that Salesforce refuses.',
    'Use letters a–z, digits and underscores only.',
  ],
  name_bad_start: ['A name does not begin with a letter.', 'Start the name with a letter.'],
  name_double_underscore: [
    'A name has two underscores in a row, which Salesforce keeps for its own suffixes.',
    'Use single underscores.',
  ],
  name_missing_suffix: ['A custom name does not end in __c.', 'Add __c to the name.'],
  name_reserved: ['A name is a reserved word of SOQL.', 'Choose a name that is not reserved.'],
  name_too_long: ['A name is longer than Salesforce allows.', 'Shorten the name.'],
  name_trailing_underscore: ['A name ends with an underscore.', 'Remove the last underscore.'],
  name_ambiguous: [
    'A custom field is easily confused with a standard field of its object.',
    'Choose a more specific name; this one is allowed.',
  ],
  object_name_taken: [
    'Something in the Salesforce org that cannot become a custom object has this name.',
    'Choose a different name.',
  ],
  object_name_deleted: [
    'An object of this name was deleted, and its name stays taken for up to 15 days.',
    'Erase or undelete it in Setup (Object Manager, Deleted Objects), or choose a different name.',
  ],
  object_name_differs_in_case: [
    'The object exists in a different case; Salesforce treats both as the same.',
    'Use its exact name, or choose a different one for a new object.',
  ],
  object_name_like_packaged: [
    'An object of an installed package is easily confused with this one.',
    'Use the object of the package if that is what you mean, or a more specific name.',
  ],
  object_label_taken: [
    'Another object has the same label, so users cannot tell the two apart.',
    'Choose a different label.',
  ],
  object_label_too_long: [
    'A label of an object is longer than 40 characters.',
    'Shorten the label.',
  ],
  object_missing: [
    'The plan adds to an object that does not exist, or that the connected user cannot see.',
    'Correct the name, or plan the object in full (label, plural_label, name_field) to create it.',
  ],
  field_name_deleted: [
    'A field of this name was deleted; the new one starts empty.',
    'Undelete the old field in Setup if you want its data.',
  ],
  field_name_differs_in_case: [
    'The field exists in a different case; Salesforce treats both as the same.',
    'Use its exact name, or choose a different one for a new field.',
  ],
  field_name_like_packaged: [
    'An installed package has added a field that is easily confused with this one.',
    'Map to the field of the package if that is what you mean.',
  ],
  field_label_taken: [
    'Another field of the object has the same label.',
    'Choose a different label, or map to the existing field.',
  ],
  field_label_too_long: [
    'The label of a field is longer than 40 characters.',
    'Shorten the label.',
  ],
  field_label_changed: [
    'Users would see a different label on an existing field.',
    'Plan the current label to keep it.',
  ],
  workflow_name_invalid: ['Salesforce refuses the name of a workflow.', NAMES],

  // Objects
  object_new: ['The object is new, so nothing that exists is affected.'],
  object_unchanged: ['The object exists as planned; the deploy does not change it.'],
  object_settings_changed: [
    'The object exists, and its labels or settings would change.',
    'Plan the current ones if you do not want this.',
  ],
  object_takes_no_fields: [
    'Salesforce allows no custom fields, record types or rules on the object.',
    'Add them to a different object.',
  ],
  object_takes_no_record_types: [
    'Salesforce has no record types of the object.',
    'Use a picklist field to tell its records apart.',
  ],
  object_unreadable: [
    'The object exists, but the snapshot has no describe of it, so its fields were not compared.',
    'Make sure the connected user can read the object, then pull the topology again.',
  ],
  object_managed: [
    'The object belongs to an installed package: its label, name and sharing are locked.',
    'Plan only fields on it.',
  ],
  object_of_package_extended: [
    'The plan adds to an object of an installed package; the additions must be removed before the package can be uninstalled.',
  ],
  package_not_installed: [
    'The object belongs to a package that is not installed.',
    'Install the package first, or correct the name.',
  ],
  record_types_many: [
    'The object would have more record types than Salesforce recommends.',
    'Use a picklist where record types serve only to classify records.',
  ],

  // Fields and their types
  field_new: ['The field is new, so no value and no automation is affected.'],
  field_unchanged: ['The field exists as planned; the deploy does not change it.'],
  field_changed_safely: ['The field changes in a way that keeps every value valid.'],
  field_object_missing: [
    'The field’s object does not exist, or the connected user cannot see it.',
    'Correct the name of the object, or plan it in full.',
  ],
  field_hidden: [
    'The field exists, but the connected user cannot see it; the deploy would overwrite it unseen.',
    'Give the user read access to the field and check again.',
  ],
  field_appeared: [
    'The field is missing from the snapshot and exists in the Salesforce org.',
    PULL,
  ],
  field_managed: [
    'The field has the namespace of a package: such fields are locked.',
    'Choose a name without a namespace.',
  ],
  field_used_elsewhere: [
    'Something in the Salesforce org uses the field that would change; Salesforce may refuse the change, or it may behave differently.',
    'Review what uses it; a deploy with check_only shows what Salesforce refuses.',
  ],
  auto_number_counts_on: [
    'An existing auto number continues to count; its starting number is not sent.',
  ],
  type_change: [
    'The type of the field changes and its values stay; filters, reports and integrations may behave differently.',
    'Review what uses the field before you deploy.',
  ],
  type_change_loses_data: [
    'The type of the field changes, and values that do not fit the new type are lost permanently.',
    'Export the field first, or create a second field and copy what fits.',
  ],
  field_type_not_available: [
    'Salesforce allows no fields of this type on the object.',
    'Use a different type, or put the field on a different object.',
  ],
  type_change_refused: [
    'Salesforce does not turn the existing type into the planned one.',
    'Give the new field a different name, or plan it with its current type.',
  ],
  length_shortened: [
    'The field would become shorter; longer values are truncated, or Salesforce refuses the change.',
    'Keep the current length, or shorten the values first.',
  ],
  precision_lowered: [
    'The field would hold fewer digits; numbers would be rounded or would not fit.',
    'Keep the current digits, or check the numbers first.',
  ],
  required_over_empty_rows: [
    'The field would be required while records have no value; they cannot be saved again until they have one.',
    'Fill the field first, or leave it optional.',
  ],
  required_dropped: [
    'The field is required today, and empty values would be accepted.',
    'Set required in the plan if you do not want this.',
  ],
  unique_over_duplicates: [
    'The field would become unique while values repeat, or may repeat; Salesforce refuses that.',
    'Change the records that share a value first, in the Recycle Bin too.',
  ],
  unique_lost: [
    'The field is unique today, and repeated values would be accepted.',
    'Set unique in the plan if you do not want this.',
  ],
  external_id_over_duplicates: [
    'The field would become an external id while values repeat; upserts by such a value fail.',
    'Make the values unique first, and plan the field as unique.',
  ],
  external_id_lost: [
    'The field would no longer be an external id; upserts by it would fail.',
    'Set external_id in the plan.',
  ],
  formula_field_missing: [
    'A formula references a field that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or add the field to the plan.',
  ],
  formula_function_refused: [
    'A formula calls a function that does not exist, or that Salesforce does not allow there.',
    'Correct the name of the function, or write the formula without it.',
  ],
  formula_invalid: [
    'Salesforce cannot read the formula, or its types do not fit: a call with too few arguments, a text where a number is needed, a result of the wrong type, a long text.',
    'Correct the formula.',
  ],
  formula_circular: [
    'The formula leads back to its own field, directly or through other formulas.',
    'Take the field out of its own formula, and out of the formulas that it shows.',
  ],
  default_formula_refused: [
    'The formula of a default value uses fields of the record itself or something that does not exist, or its type does not fit.',
    'Use constants, functions and global variables such as $User.',
  ],
  formula_ordinary_change: [
    'Salesforce cannot turn an ordinary field into a formula, nor the reverse.',
    'Create a field with a different name.',
  ],
  formula_result_change: [
    'Salesforce cannot change the type that a formula returns.',
    'Create a formula with a different name.',
  ],
  formula_replaced: [
    'The formula would be replaced; all records show the new result at once.',
    'Compare the two formulas before you deploy.',
  ],

  // Picklists
  picklist_values_removed: [
    'The field would lose values; records that have them could no longer choose them. Green if no record has them.',
    'Keep the values in the plan, or change the records to other values first.',
  ],
  picklist_restricted_over_values: [
    'The field would accept only values from its list while records have, or may have, others.',
    'Add these values to the plan, or change the records first.',
  ],
  picklist_not_on_record_types: [
    'Record types of the object may offer none of the values of a new picklist.',
    'List the field under picklist_values of these record types.',
  ],
  picklist_made_dependent: [
    'The field would offer its values by another field; values that do not fit stay and can no longer be chosen.',
    'Make sure that value_settings name every value that is still to be chosen.',
  ],
  dependent_value_unreachable: [
    'No value of the controlling field lets users choose this value.',
    'Add the value to value_settings, or leave it out.',
  ],
  controlling_field_changed: [
    'The field already depends on another one, and Salesforce does not remove that by API.',
    'Use the present controlling field, or remove the dependency in Setup first.',
  ],
  controlling_field_missing: [
    'The controlling field exists neither in the plan nor in the Salesforce org.',
    'Add it to the plan, or correct controlling_field.',
  ],
  controlling_field_refused: [
    'Only a picklist with one value or a checkbox can control another field.',
    'Choose a different controlling_field.',
  ],
  controlling_value_missing: [
    'The settings name a value that the controlling field does not have.',
    'Use one of its values, or add this one to it.',
  ],
  value_set_new: ['The global value set is new; no existing field uses it.'],
  value_set_shared: [
    'The global value set exists, and every field that uses it shows what the plan adds or relabels.',
    'Make sure that all of these fields should offer the values, or use a set of your own.',
  ],
  value_set_missing: [
    'The global value set does not exist in the Salesforce org.',
    'Correct the name, or give the field its own values.',
  ],
  value_set_managed: ['The global value set belongs to an installed package.', OWN],
  value_set_fixed: [
    'Salesforce does not change where an existing picklist gets its values.',
    'Leave global_value_set out, or create a new field that uses the set.',
  ],

  // Relationships and roll-ups
  reference_missing: [
    'The field refers to an object that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or add the object to the plan.',
  ],
  reference_changed: [
    'Salesforce does not change which object an existing relationship refers to.',
    'Create a relationship field with a different name.',
  ],
  reference_not_allowed: [
    'Salesforce does not allow a relationship of this kind to the object, or allows it only in a few cases.',
    'Make the field a Lookup, or refer to a different object.',
  ],
  relationship_name_taken: [
    'The parent already has a relationship of this name.',
    'Choose a different relationship_name.',
  ],
  relationships_over_limit: [
    'The object would have more relationships than Salesforce allows.',
    'Remove relationships from the plan, or delete unused ones in Salesforce.',
  ],
  master_details_over_limit: [
    'The object would have more master-details than Salesforce allows.',
    'Make the new one a Lookup.',
  ],
  master_detail_over_rows: [
    'A new master-detail is planned on an object that has records, which would have no master.',
    'Plan it as a Lookup, fill it in every record, then turn it into a MasterDetail.',
  ],
  lookup_to_master_detail_with_gaps: [
    'A lookup would become a master-detail while records have, or may have, no master.',
    'Fill the lookup in every record first, and empty the Recycle Bin of the others.',
  ],
  master_detail_to_lookup_under_rollup: [
    'A master-detail would become a lookup while its parent has roll-ups, which Salesforce may refuse.',
    'Delete the roll-ups over this object first.',
  ],
  cascade_delete: [
    'Deleting a parent would delete the records that refer to it.',
    'Use SetNull or Restrict if you do not want this.',
  ],
  cascade_delete_not_allowed: [
    'Salesforce offers deletion together with the parent only for lookups on custom objects.',
    'Use SetNull or Restrict.',
  ],
  sharing_becomes_parents: [
    'Whoever sees the parent sees the records; their own owners and sharing rules no longer apply.',
    'Make sure that nobody relies on the current sharing.',
  ],
  master_detail_circular: [
    'The object would be its own master through other master-details.',
    'Make one of the relationships a Lookup.',
  ],
  master_details_too_deep: [
    'The object would be a detail below more masters than Salesforce allows.',
    'Make one of the relationships in the chain a Lookup.',
  ],
  rollup_field_refused: [
    'A roll-up aggregates or filters by a field that Salesforce does not allow there.',
    'Use a different field.',
  ],
  rollup_field_missing: [
    'A roll-up names a field that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or add the field to the plan.',
  ],
  rollup_over_lookup: [
    'Salesforce rolls up over master-details only.',
    'Use a MasterDetail, or add it to the plan.',
  ],
  rollups_over_limit: [
    'The object would have more roll-ups than Salesforce allows.',
    'Remove roll-ups from the plan, or delete unused ones.',
  ],

  // Limits
  api_budget_short: [
    'The deploy takes a large part of the API calls that are left today, or more.',
    'Wait until calls are available again (Salesforce counts the last 24 hours), or deploy when other tools make fewer.',
  ],
  package_too_large: ['The package is too large for one deploy.', 'Split the plan.'],
  custom_objects_over_limit: [
    'The custom objects of the Salesforce org’s edition are, or would be, used up.',
    'Delete and erase unused custom objects, or take objects out of the plan.',
  ],
  custom_fields_over_limit: [
    'The custom fields of the object are, or would be, used up.',
    'Delete and erase unused fields, or take fields out of the plan.',
  ],
  external_ids_over_limit: [
    'The object would have more external ids than Salesforce allows without its support.',
    'Use fewer external ids, or ask Salesforce support for more.',
  ],
  unique_fields_over_limit: [
    'The object would have more unique fields and external ids than Salesforce indexes without its support.',
    'Make fewer fields unique, or ask Salesforce support for more.',
  ],
  long_texts_over_limit: [
    'The long and rich texts of the object would have room for more characters than Salesforce allows.',
    'Make the texts shorter, or delete unused ones.',
  ],
  formula_relationships_over_limit: [
    'Formulas of the object would go through more relationships than Salesforce allows without its support.',
    'Use fewer relationships in formulas and rules.',
  ],
  custom_labels_over_limit: [
    'The Salesforce org would have more custom labels than Salesforce allows.',
    'Delete unused labels, or remove labels from the plan.',
  ],
  global_value_sets_over_limit: [
    'The Salesforce org would have more global value sets than Salesforce allows.',
    'Delete unused value sets, or give the fields values of their own.',
  ],
  validation_rules_over_limit: [
    'The object would have more active validation rules than its edition allows.',
    'Deactivate unused rules, or plan some as inactive.',
  ],
  active_flows_over_limit: [
    'The Salesforce org would have more active flows than its edition allows.',
    'Deactivate flows that are not needed, or deploy without activation.',
  ],
  flow_versions_full: [
    'The flow has as many versions as Salesforce keeps.',
    'Delete old versions first.',
  ],

  // Access
  permission_api_enabled: ['The connected user lacks “API Enabled”: no call gets through.', GRANT],
  permission_assign_permission_sets: [
    'The connected user lacks “Assign Permission Sets”, which the plan’s assignment needs.',
    GRANT,
  ],
  permission_customize_application: [
    'The connected user lacks “Customize Application”, which creating objects, fields, layouts and rules needs.',
    GRANT,
  ],
  permission_manage_permission_sets: [
    'The connected user lacks “Manage Profiles and Permission Sets”, to which the plan writes.',
    GRANT,
  ],
  permission_modify_metadata: [
    'The connected user lacks “Modify Metadata Through Metadata API Functions”: the deploy is refused.',
    GRANT,
  ],
  permission_view_all_data: [
    'The connected user lacks “View All Data”: records of others are not counted, so something may look empty when it is not.',
    GRANT,
  ],
  permission_view_setup: [
    'The connected user lacks “View Setup and Configuration”: where-used, limits and hidden fields cannot be read.',
    GRANT,
  ],
  permission_set_merged: [
    'The permission set is created, or extended if it exists: nobody loses access.',
  ],
  permission_set_sees_all_below: [
    'The permission set sees all records of an object that becomes a detail, and not all of its master.',
    'Grant "View All Records" of the master there first, or take it back for the detail.',
  ],
  permission_set_missing: [
    'A permission set of the plan does not exist; the plan creates only its main one.',
    NAMES,
  ],
  permission_set_managed: ['The permission set belongs to an installed package.', OWN],
  permission_set_group_new: [
    'The permission set group is new; nobody has it until it is assigned.',
  ],
  permission_set_group_exists: [
    'The permission set group exists: everybody who has it also gets the permission sets of the plan.',
    'Make sure that all of these users should have the access, or use another group.',
  ],
  permission_set_group_set_missing: [
    'The group would contain a permission set that exists neither in the plan nor in the Salesforce org.',
    'Create the permission set, correct its name, or leave it out.',
  ],
  profile_sees_all_below: [
    'The profile sees all records of an object that becomes a detail, and not all of its master.',
    'Grant "View All Records" of the master there first, or take it back for the detail.',
  ],
  profile_missing: [
    'A profile of the plan does not exist in the Salesforce org.',
    'Use the API name of the profile, for example Admin.',
  ],
  profile_widens_access: [
    'Every user with the profile will see and edit what the plan creates.',
    'Leave the profile out if the permission set is enough.',
  ],

  // Other components
  app_missing: ['The app does not exist in the Salesforce org.', 'Correct its API name.'],
  app_tab_missing: [
    'The app would show a tab that exists neither in the plan nor in the Salesforce org.',
    'Add the object to tabs of the plan, correct the name, or leave it out.',
  ],
  app_tabs_added: ['The app gains tabs; its other tabs stay in place.'],
  tab_safe: ['The object gets a tab; users see it if the permission set shows it.'],
  business_process_new: ['The business process is new; no record type uses it yet.'],
  business_process_exists: [
    'The business process exists: every record type that uses it will offer the values of the plan too.',
    SAME_NAME,
  ],
  business_process_managed: ['The business process belongs to an installed package.', OWN],
  business_process_missing: [
    'A record type uses a business process that exists neither in the plan nor in the Salesforce org.',
    'Correct its name, or add it to business_processes.',
  ],
  business_process_value_missing: [
    'The business process names values that the field does not have as active ones.',
    'Add the values to the field in Setup first, or correct them.',
  ],
  compact_layout_new: ['The compact layout is new; nobody sees it before it is assigned.'],
  compact_layout_exists: [
    'The compact layout exists; the label and fields of the plan replace its own.',
    SAME_NAME,
  ],
  compact_layout_field_missing: [
    'The compact layout shows a field that exists neither in the plan nor in the Salesforce org.',
    PLAN_OR_NAME,
  ],
  compact_layout_field_not_allowed: [
    'Compact layouts cannot show fields of this type.',
    'Leave the field out, or show a different one.',
  ],
  custom_metadata_record_new: ['The custom metadata record is new.'],
  custom_metadata_record_exists: [
    'The record exists; flows, formulas and code that read it use the values of the plan from then on.',
    SAME_NAME,
  ],
  custom_metadata_type_missing: [
    'The custom metadata type does not exist in the Salesforce org.',
    'Create the type in Salesforce, or correct its name.',
  ],
  custom_metadata_field_missing: [
    'The custom metadata type has no field of this name.',
    'Correct the name, or leave the value out.',
  ],
  custom_metadata_value_invalid: [
    'A value does not fit its field of the custom metadata type.',
    'Correct the value.',
  ],
  custom_metadata_value_required: [
    'A new record lacks a value that its type requires.',
    'Add the value to the record.',
  ],
  field_set_new: ['The field set is new; no page shows it yet.'],
  field_set_exists: [
    'The field set exists, and pages may show it; it gains the fields of the plan and keeps its own.',
    SAME_NAME,
  ],
  field_set_field_missing: [
    'The field set has a field that exists neither in the plan nor in the Salesforce org.',
    PLAN_OR_NAME,
  ],
  label_new: ['The custom label is new; nothing shows it yet.'],
  label_exists: ['The custom label exists; its text changes wherever it is shown.', SAME_NAME],
  layout_new: ['The layout is created together with its object.'],
  layout_merged: ['The layout gains what the plan names; everything else on it stays in place.'],
  layout_missing: [
    'The object has no page layout of this name; layouts are created for new objects only.',
    'Correct the name of the layout.',
  ],
  layout_managed: [
    'The layout belongs to an installed package and is locked.',
    'Clone it in Salesforce and use the clone.',
  ],
  layout_after_missing: [
    'The layout cannot place fields after a field that it does not show.',
    'Use a field that the layout shows, or leave `after` out.',
  ],
  layout_action_missing: [
    'The layout cannot show a quick action that does not exist in the Salesforce org.',
    'Create the action in Salesforce, correct its name, or leave it out.',
  ],
  layout_button_missing: [
    'The layout cannot show a button or link that the object does not have.',
    'Create the button in Salesforce, correct its name, or leave it out.',
  ],
  related_list_missing: [
    'The layout cannot show a related list of a lookup that does not exist.',
    'Correct its name, or add the lookup to the plan.',
  ],
  related_list_uncertain: [
    'It is not known whether the object has the related list; if not, Salesforce refuses the layout.',
    'Make sure that the object has the list in Salesforce, for example that activities or history tracking are enabled.',
  ],
  related_list_column_missing: [
    'The related list cannot show a field that its object does not have.',
    'Correct the column, or add the field to the plan.',
  ],
  list_view_new: ['The list view is new.'],
  list_view_exists: ['The list view exists; what the plan names replaces its own.', SAME_NAME],
  list_view_column_unknown: [
    'Salesforce’s own name for this column of a list view is not known; it is sent as written and may be refused.',
    'Write the name that a list view with this column has in Salesforce, or leave the field out.',
  ],
  list_view_field_missing: [
    'The list view uses a field that exists neither in the plan nor in the Salesforce org.',
    PLAN_OR_NAME,
  ],
  list_view_queue_missing: [
    'The list view is for a queue that exists neither in the plan nor in the Salesforce org.',
    'Add the queue to the plan, or correct its name.',
  ],
  list_view_scope_not_allowed: [
    'The list view has a scope that this object does not offer.',
    'Set filter_scope to Everything.',
  ],
  list_view_shared_to_missing: [
    'The list view is shared with groups or roles that do not exist in the Salesforce org.',
    'Create them, correct the names, or leave them out.',
  ],
  public_group_new: [
    'The public group is new and has no members until they are added in Salesforce.',
  ],
  public_group_exists: [
    'The public group exists; it gets the label of the plan and keeps its members.',
    SAME_NAME,
  ],
  queue_new: ['The queue is new; it owns no record yet.'],
  queue_exists: [
    'The queue exists; it gains the members and objects of the plan and keeps its own.',
    SAME_NAME,
  ],
  queue_member_missing: [
    'The queue has members that do not exist in the Salesforce org.',
    'Create them, correct the names, or leave them out.',
  ],
  queue_object_missing: [
    'The queue is for an object that exists neither in the plan nor in the Salesforce org.',
    'Add the object to the plan, or remove it from the queue.',
  ],
  queue_object_not_allowed: [
    'A queue cannot own records of this object.',
    'Use an object whose owner may be a queue, such as Lead, Case or a custom object.',
  ],
  record_type_new: ['The record type is new; records keep theirs.'],
  record_type_unchanged: ['The record type exists as planned.'],
  record_type_values_added: ['The record type gains values; what it offers already stays.'],
  record_type_object_missing: [
    'The record type’s object does not exist, or the connected user cannot see it.',
    'Correct the name of the object, or plan it in full.',
  ],
  record_type_picklist_missing: [
    'The record type offers values of a field that exists neither in the plan nor in the Salesforce org.',
    'Add the field to the plan, or remove it from picklist_values.',
  ],
  record_type_picklist_refused: [
    'The record type offers values of a field that is not a picklist.',
    'Name a picklist, or remove the field from picklist_values.',
  ],
  record_type_value_missing: [
    'The record type offers values that the field does not have.',
    'Add the values to the field, or correct them.',
  ],
  record_type_replaced: [
    'The record type exists differently and would be changed.',
    'Plan it as it is, or choose a different name.',
  ],
  record_type_stays: [
    'Salesforce deletes no record type by API; a rollback leaves it on the object.',
    'Delete it by hand in Setup if the deployment is rolled back.',
  ],

  // Automations of the Salesforce org
  flow_fires: [
    'Active flows run on records of the object. Yellow if this client pushes such records; green if nothing does.',
    TRY_FEW,
  ],
  trigger_fires: [
    'Active Apex triggers run on records of the object. Yellow if this client pushes such records; green if nothing does.',
    TRY_FEW,
  ],
  workflow_rule_fires: [
    'Active workflow rules run on records of the object. Yellow if this client pushes such records; green if nothing does.',
    TRY_FEW,
  ],
  validation_rule_fires: [
    'Active validation rules check records of the object. Yellow if this client pushes such records; green if nothing does.',
    TRY_FEW,
  ],
  assignment_rule_fires: [
    'An active assignment rule may change owners of records of the object. Yellow if this client pushes such records; green if nothing does.',
    TRY_FEW,
  ],
  automation_uses_changed_field: [
    'Automations use the field that would change.',
    'Check that they still do what they should; Salesforce may refuse the change.',
  ],
  automation_uses_removed_value: [
    'Automations check or set a value that the field would lose.',
    'Change these automations first, or keep the values.',
  ],
  automation_leaves_required_empty: [
    'Flows create records without the field, which would be required; they would fail.',
    'Let flows fill the field, give it a default, or leave it optional.',
  ],
  validation_rule_new: ['The validation rule is new and rejects nothing that exists.'],
  validation_rule_unchanged: ['The validation rule exists as planned.'],
  validation_rule_replaced: [
    'The validation rule exists differently and would be replaced.',
    'Choose a different name to keep both.',
  ],
  validation_rule_over_rows: [
    'The rule would be evaluated when existing records are next edited; those that fail it could not be saved.',
    'Find the records that fail it first, or plan the rule as inactive.',
  ],
  validation_rule_managed: [
    'The validation rule belongs to an installed package and is locked.',
    OWN,
  ],
  validation_rule_object_missing: [
    'The rule’s object does not exist, or the connected user cannot see it.',
    'Correct the name of the object, or plan it in full.',
  ],
  validation_rule_field_missing: [
    'The formula of a rule references a field that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or add the field to the plan.',
  ],
  validation_rule_display_field_missing: [
    'The rule shows its message next to a field that exists neither on the object nor in the plan.',
    'Correct the name of the field, or leave error_display_field out.',
  ],
  validation_rule_formula_invalid: [
    'Salesforce cannot read the formula of a rule, or its types do not fit: a picklist compared with a text, a result that is not true or false.',
    'Correct the formula.',
  ],
  validation_rule_function_refused: [
    'The formula of a rule calls a function that does not exist, or that Salesforce does not allow there.',
    'Correct the name of the function, or write the formula without it.',
  ],

  // Workflows of the request
  workflow_new: ['No automation of this name exists, and the others stay.'],
  workflow_object_missing: [
    'The workflow works on an object that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or deploy the object first.',
  ],
  workflow_field_missing: [
    'The workflow uses a field that exists neither in the Salesforce org nor in the plan.',
    'Correct the name, or deploy the field first.',
  ],
  workflow_formula_invalid: [
    'Salesforce cannot read a formula of the workflow, or its types do not fit.',
    'Correct the formula.',
  ],
  workflow_function_refused: [
    'A formula of the workflow calls a function that does not exist, or that Salesforce does not support there.',
    'Correct the name of the function, or write the formula without it.',
  ],
  workflow_picklist_value_unknown: [
    'The workflow sets or checks a value that a restricted picklist does not have.',
    'Correct the value (use its API name), or add it to the picklist.',
  ],
  assignment_entry_refused: [
    'An entry of the rule has criteria and a formula, an operation that does not exist, or logic that names a criterion which is not there.',
    'Correct the entry.',
  ],
  flow_element_refused: [
    'Two elements of the flow have one name, a name is not allowed, its type cannot have the element, or its logic names a condition that is not there.',
    'Correct the element.',
  ],
  flow_word_unknown: [
    'The flow has a member or a value that Salesforce’s reference does not have.',
    'Correct the word, unless a newer version of Salesforce has it.',
  ],
  flow_reference_missing: [
    'The flow refers to an element or resource that it does not have.',
    'Correct the reference, or add the element or resource to the flow.',
  ],
  flow_gets_new_version: [
    'The flow exists and would get a new version; the old ones stay.',
    'Choose a different name if you mean a different flow.',
  ],
  flow_active_version_replaced: [
    'A version of the flow is active; the new one would replace it at once.',
    'Deploy with activate "keep", and activate it once it is tested.',
  ],
  flow_lands_inactive: [
    'In production the flow is activated in a separate step after the deploy; the deployment warns if that fails.',
  ],
  flow_deactivated: ['The flow is active and would be deactivated.', KEEP],
  flow_managed: ['The flow belongs to an installed package and cannot be changed.', OWN],
  flow_runs_beside_others: [
    'The flow would run beside other automations; without a trigger order their order is not defined.',
    'Give the flow a trigger order, and make sure they do not write the same fields.',
  ],
  rule_replaced: [
    'A rule of this name exists and would be replaced; the other rules of its object stay.',
    'Choose a different name to keep both.',
  ],
  rule_managed: ['The rule belongs to an installed package and cannot be changed.', OWN],
  validation_rule_deactivated: ['The validation rule is active and would be deactivated.', KEEP],
  assignment_rule_deactivated: ['The assignment rule is active and would be deactivated.', KEEP],
  assignment_rule_switched_off: [
    'Another assignment rule of the object is active and would be deactivated in favour of this one.',
    'Add your entries to the active rule, or deploy without activation.',
  ],
  assignee_missing: [
    'An assignment rule assigns records to a user or queue that does not exist.',
    'Create the user or queue, or use a different one.',
  ],

  // Mappings and pushes of this client
  mapping_target_changed: [
    'A mapping writes the field that the plan changes.',
    'Validate the mapping after the deploy.',
  ],
  push_key_lost: [
    'A mapping finds its records by a field that would no longer be an external id; every push would fail.',
    'Set external_id in the plan, or choose a different key for the mapping.',
  ],
  push_field_becomes_read_only: [
    'A mapping writes a field that would be read-only; every row would fail.',
    'Map it to a different field, or plan a writable field.',
  ],
  push_lacks_required_field: [
    'The field would be required and the mapping does not send it; every new record would fail.',
    'Map the field, give it a default, or leave it optional.',
  ],
  push_leaves_required_empty: [
    'The field would be required, and pushes leave it empty, or may do so.',
    'Fill it at the source, give the mapping a default, or leave it optional.',
  ],
  push_number_out_of_range: [
    'The last push sent numbers that the field would not hold.',
    'Raise precision in the plan.',
  ],
  push_number_rounded: [
    'The field would keep fewer decimal places; Salesforce rounds what is pushed.',
    'Keep the current scale.',
  ],
  push_type_changes: [
    'The type of a mapped field changes; values of another type would fail.',
    'Push with dry_run after the change, or map to a different field.',
  ],
  push_value_must_be_unique: [
    'The field would accept no value twice; rows that repeat one would fail.',
    'Make sure the source sends each value once.',
  ],
  push_value_not_in_picklist: [
    'The field would accept only values from its list, and pushes send others, or may do so.',
    'Add these values to the plan, or map them to other values.',
  ],
  push_value_too_long: [
    'The last push sent a value that is longer than the field would be.',
    'Plan a longer field, or shorten the values at the source.',
  ],
  push_refused_by_rule: [
    'A validation rule of the plan would reject rows that this client pushes, or may do so.',
    'Correct the values at the source, or plan the rule as inactive.',
  ],
  push_meets_new_automation: [
    'A workflow would run on records that this client pushes, and may change or refuse them.',
    'Push a few rows first.',
  ],

  // Drift, and Salesforce's own word
  object_drifted: ['The object has changed in the Salesforce org since the snapshot.', PULL],
  object_appeared: [
    'The object is missing from the snapshot and exists in the Salesforce org.',
    PULL,
  ],
  snapshot_stale: [
    'The snapshot is old; automations changed since then are not considered.',
    'Check again with refresh: true.',
  ],
  salesforce_refuses: [
    'Salesforce’s own validation refuses a component.',
    'Correct what Salesforce reports, then check again.',
  ],
  salesforce_warns: [
    'Salesforce’s own validation warns about a component; the deploy will go through.',
    'Read the warning.',
  ],
}

/** By code. A test holds that every rule has one, and nothing else. */
export const FINDING_TEXTS: ReadonlyMap<string, FindingText> = new Map(
  Object.entries(TEXTS).map(([code, [meaning, remedy = null]]) => [code, { meaning, remedy }]),
)
