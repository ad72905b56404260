// What Salesforce's own documents look like, as far as the contract knows them.

import * as z from 'zod'
import { AUTOMATION_TYPES } from '../../domain/topology/topology.ts'

export const automationType = z.enum(AUTOMATION_TYPES).meta({ id: 'AutomationType' })

export const triggerEvent = z
  .enum(['create', 'update', 'delete', 'undelete', 'event'])
  .meta({ id: 'TriggerEvent' })

export const automationTrigger = z
  .object({
    object: z.string().nullable(),
    events: z.array(triggerEvent),
    timing: z.enum(['before', 'after', 'both', 'scheduled', 'async']).meta({ id: 'TriggerTiming' }),
    order: z.number().nullable(),
  })
  .meta({ id: 'AutomationTrigger' })

/** One element of metadata, as JSON. */
const metadataValue: z.ZodType = z
  .union([
    z.string(),
    z.array(z.lazy(() => metadataValue)),
    z.record(
      z.string(),
      z.lazy(() => metadataValue),
    ),
  ])
  .meta({ id: 'MetadataValue' })

export const metadataJson = z.record(z.string(), metadataValue).meta({ id: 'MetadataJson' })

const picklistEntry = z
  .looseObject({
    value: z.string(),
    label: z.string().nullable(),
    active: z.boolean(),
    defaultValue: z.boolean(),
    validFor: z.string().nullable().optional(),
  })
  .describe('DescribePicklistEntry')
  .meta({ id: 'PicklistEntry' })

const fieldDescribe = z
  .looseObject({
    name: z.string(),
    label: z.string().optional(),
    type: z.string().describe('As Salesforce calls it: `string`, `picklist`, `reference` …'),
    length: z.int().optional(),
    precision: z.int().optional(),
    scale: z.int().optional(),
    nillable: z.boolean().optional(),
    defaultedOnCreate: z.boolean().optional(),
    createable: z.boolean().optional(),
    updateable: z.boolean().optional(),
    custom: z.boolean().optional(),
    calculated: z.boolean().optional(),
    calculatedFormula: z.string().nullable().optional(),
    externalId: z.boolean().optional(),
    idLookup: z.boolean().optional(),
    unique: z.boolean().optional(),
    caseSensitive: z.boolean().optional(),
    encrypted: z.boolean().optional(),
    filterable: z.boolean().optional(),
    sortable: z.boolean().optional(),
    referenceTo: z.array(z.string()).optional(),
    relationshipName: z.string().nullable().optional(),
    picklistValues: z.array(picklistEntry).optional(),
    restrictedPicklist: z.boolean().optional(),
    dependentPicklist: z.boolean().optional(),
    controllerName: z.string().nullable().optional(),
    inlineHelpText: z.string().nullable().optional(),
  })
  .meta({ id: 'FieldDescribe' })

const recordTypeInfo = z
  .looseObject({
    name: z.string(),
    developerName: z.string(),
    recordTypeId: z.string(),
    active: z.boolean().optional(),
    available: z.boolean().optional(),
    defaultRecordTypeMapping: z.boolean().optional(),
    master: z.boolean().optional(),
  })
  .meta({ id: 'RecordTypeInfo' })

const childRelationship = z
  .looseObject({
    childSObject: z.string(),
    field: z.string(),
    relationshipName: z.string().nullable().optional(),
    cascadeDelete: z.boolean().optional(),
    restrictedDelete: z.boolean().optional(),
  })
  .meta({ id: 'ChildRelationship' })

/** Salesforce: DescribeSObjectResult of the REST API ("sObject Describe"). */
export const objectDescribe = z
  .looseObject({
    name: z.string(),
    label: z.string().optional(),
    labelPlural: z.string().optional(),
    keyPrefix: z.string().nullable().optional(),
    custom: z.boolean().optional(),
    customSetting: z.boolean().optional(),
    createable: z.boolean().optional(),
    updateable: z.boolean().optional(),
    deletable: z.boolean().optional(),
    queryable: z.boolean().optional(),
    fields: z.array(fieldDescribe).optional(),
    recordTypeInfos: z.array(recordTypeInfo).optional(),
    childRelationships: z.array(childRelationship).optional(),
  })
  .describe(
    "Salesforce's describe of the object, as it was sent, except for the parts that `include` leaves out",
  )
  .meta({ id: 'ObjectDescribe' })
