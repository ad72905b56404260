// What the caller of a push can do about the error of a row: one remedy for each code. Salesforce's
// codes are those of the SOAP API guide, StatusCode and ExceptionCode.

/** What to do about a row's error, by its code; our own codes and those of Salesforce. */
export const ROW_REMEDIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // The value
    STRING_TOO_LONG: 'Shorten the value, or make the field longer.',
    NUMBER_OUTSIDE_VALID_RANGE: 'Send a smaller number, or make the field larger.',
    INVALID_TYPE_ON_FIELD_IN_RECORD: 'Send a value of the type of the field.',
    INVALID_EMAIL_ADDRESS: 'Correct the address, or send nothing.',
    INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:
      'Map the value to an active one of the list, or add it to the list (and to the record type).',
    FIELD_INTEGRITY_EXCEPTION:
      'Salesforce checks the value against other values of the record (state and country, ids and their objects): correct it.',
    JSON_PARSER_ERROR:
      'Send a value of the type of the field; pull the topology if its type has changed.',
    INVALID_CURRENCY_ISO: 'Use a currency code that is active in the Salesforce org.',
    INVALID_CURRENCY_CORP_RATE: 'Use a currency that is active in the Salesforce org.',
    INVALID_FIELD_FOR_INSERT_UPDATE:
      'Salesforce sets the field itself, or allows it only on create or for users with edit access: grant edit access, or remove the field from the mapping.',
    INVALID_FIELD:
      'Deploy the field or grant it to the connected user, or correct the mapping; then pull the topology.',
    REQUIRED_FIELD_MISSING: 'Send a value, or give the mapping a default.',
    FIELD_CUSTOM_VALIDATION_EXCEPTION:
      'A validation rule of the Salesforce org refuses the record: its message says what it wants.',
    FIELD_FILTER_VALIDATION_EXCEPTION:
      'A lookup filter of the Salesforce org refuses the parent: link a different one, or change the filter.',
    // Which record
    MALFORMED_ID: 'Send the 15 or 18 characters of a record id of the right object.',
    INVALID_ID_FIELD: 'Send the id of a record of the right object.',
    MISSING_ARGUMENT: 'Send the value that identifies the record.',
    INVALID_CROSS_REFERENCE_KEY:
      'The id names no record that the connected user can use: correct it, or share the record with that user.',
    ENTITY_IS_DELETED: 'The record is in the recycle bin: restore it, or send a different key.',
    NOT_FOUND: 'The record does not exist, or the connected user does not see it.',
    DUPLICATE_VALUE:
      'Another record has this value of a unique field: find it by that value, or send a different one.',
    DUPLICATE_EXTERNAL_ID:
      'Several records have this external id: merge them, or make the field unique.',
    DUPLICATES_DETECTED:
      'A duplicate rule found a record like this one: change that one, or push with allow_duplicates.',
    DUPLICATE_COMM_NICKNAME: 'Send a nickname that nobody else has.',
    DUPLICATE_USERNAME: 'Send a username that no Salesforce org uses yet.',
    // Access
    INSUFFICIENT_ACCESS_OR_READONLY:
      'Give the connected user edit access to the record (permission set, sharing, or an owner it may edit).',
    INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY:
      'Give the connected user access to the parent record, the owner or the record type that the row names.',
    CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:
      'An Apex trigger, flow or process of the Salesforce org failed on the record: its message names it.',
    CANNOT_EXECUTE_FLOW_TRIGGER:
      'A flow of the Salesforce org failed on the record: correct it there, or the values it works on.',
    FLOW_EXCEPTION:
      'A flow of the Salesforce org failed on the record: correct it there, or the values it works on.',
    APEX_DATA_ACCESS_RESTRICTION: 'Apex of the Salesforce org refuses the access: see its message.',
    TRANSFER_REQUIRES_READ: 'Give the new owner read access to the object.',
    INVALID_OWNER: 'Name an active user (or a queue that takes this object) as the owner.',
    INACTIVE_OWNER_OR_USER: 'Name an active user as the owner, or activate this one.',
    OP_WITH_INVALID_USER_TYPE_EXCEPTION: 'Name a user whose licence allows this.',
    ENTITY_IS_LOCKED:
      'An approval process has locked the record: finish it, or let the connected user edit locked records.',
    CANNOT_UPDATE_CONVERTED_LEAD:
      'The lead was converted: push to its contact or account, or permit changing converted leads.',
    CANNOT_REPARENT_RECORD: 'The master record cannot be changed: let the field allow reparenting.',
    CIRCULAR_DEPENDENCY: 'The record would be its own ancestor: choose a different parent.',
    INVALID_STATUS: 'Use a status that is allowed in the current state of the record.',
    INVALID_OPERATION: 'Salesforce does not do this with a record in this state: see its message.',
    UNSUPPORTED_API_VERSION: 'Set a newer API version for the connection.',
    // Limits and moments
    UNABLE_TO_LOCK_ROW:
      'Other work kept the record or its parent locked: push/retry later, when less is written to that parent.',
    REQUEST_LIMIT_EXCEEDED: 'The API requests of the Salesforce org are used up: push/retry later.',
    STORAGE_LIMIT_EXCEEDED:
      'The Salesforce org is out of data storage: delete records, or buy more.',
    LIMIT_EXCEEDED: 'A limit of the Salesforce org is reached: see the message; push/retry later.',
    TXN_SECURITY_APEX_ERROR:
      'A transaction security policy of the Salesforce org failed: correct it there.',
    TRANSACTION_QUOTA_EXCEEDED: 'Too much was written in one transaction: push/retry the rest.',
    API_TEMPORARILY_UNAVAILABLE: 'Salesforce was busy: push/retry.',
    SERVER_UNAVAILABLE: 'Salesforce was busy: push/retry.',
    UNKNOWN_EXCEPTION:
      'Salesforce failed internally: push/retry; if it happens again, send the message to Salesforce support.',
    API_DISABLED_FOR_ORG: 'The edition of the Salesforce org has no API, or it is switched off.',
    ALL_OR_NONE_OPERATION_ROLLED_BACK:
      'Nothing is wrong with this row: correct the others, or push without all_or_none.',
    PROCESSING_HALTED: 'Nothing is wrong with this row: correct the others, and push/retry.',
    INVALIDBATCH: 'The whole job was refused: see the message, and pull the topology.',
    // Ours: how a row ended, or was matched
    CANCELLED: 'Push the row again, or push/retry, if it is still wanted.',
    CLIENT_INACTIVE: 'Activate the client, then push/retry.',
    CONNECTION_REVOKED: 'Connect the client again, then push/retry.',
    CONNECTION_LOST: 'Connect the client again, then push/retry.',
    SALESFORCE_ORG_CHANGED: 'Connect the Salesforce org that the rows are meant for.',
    OUTCOME_UNKNOWN:
      'Check the record in Salesforce. push/retry sends the row again: it finds the record and creates no second one, but automations may run again.',
    INTERNAL: 'push/retry; if it fails again, report the id of the push.',
    RECORD_NOT_FOUND:
      'Push the record first, correct the key, or share the record with the connected user.',
    AMBIGUOUS_MATCH: 'Merge the records, or match by the id or a unique external id.',
    DUPLICATE_KEY_IN_INPUT:
      'Leave the row out, or give it a key of its own: push/retry never sends it with this one.',
  }),
)

const OTHER = "See Salesforce's message; correct the row, then push/retry."

/** The remedy for a code, in any letter case. */
export const remedyOf = (code: string): string => ROW_REMEDIES.get(code.toUpperCase()) ?? OTHER
