// FlowDefinitionView and FlowVersionView, by which REST queries show flows. Salesforce: Object
// Reference, objects of these names.

import { salesforceDateTime } from '../../org/ids.ts'
import type { Flow, Org } from '../../org/model.ts'
import { currentVersion, flowName, latestVersion } from '../metadata/catalogue.ts'
import { reference, type VirtualTable } from './tables.ts'

const activeVersion = (flow: Flow) =>
  flow.versions.find((version) => version.number === flow.activeVersion)

export const flowDefinitionViews = (org: Org): VirtualTable => ({
  name: 'FlowDefinitionView',
  key: 'DurableId',
  columns: {
    Id: 'string',
    DurableId: 'string',
    ApiName: 'string',
    Label: 'string',
    Description: 'string',
    ProcessType: 'picklist',
    TriggerType: 'picklist',
    TriggerObjectOrEventId: 'string',
    TriggerObjectOrEventLabel: 'string',
    RecordTriggerType: 'picklist',
    TriggerOrder: 'int',
    IsActive: 'boolean',
    IsTemplate: 'boolean',
    IsOutOfDate: 'boolean',
    ActiveVersionId: 'string',
    LatestVersionId: 'string',
    VersionNumber: 'int',
    NamespacePrefix: 'string',
    ManageableState: 'picklist',
    LastModifiedBy: 'string',
    LastModifiedDate: 'datetime',
    Builder: 'string',
  },
  rows: () =>
    [...org.flows.values()].map((flow) => {
      const trigger = flow.triggerObject ? org.objects.get(flow.triggerObject.toLowerCase()) : null
      const author = org.users.get(flow.lastModifiedById)
      return {
        Id: flow.id,
        DurableId: flow.id,
        ApiName: flowName(flow),
        Label: flow.label,
        Description: flow.description,
        ProcessType: flow.processType,
        TriggerType: flow.triggerType,
        TriggerObjectOrEventId: trigger?.durableId ?? flow.triggerObject,
        TriggerObjectOrEventLabel: trigger?.describe.label ?? null,
        RecordTriggerType: flow.recordTriggerType,
        TriggerOrder: flow.triggerOrder,
        IsActive: flow.activeVersion !== null,
        IsTemplate: false,
        IsOutOfDate: latestVersion(flow)?.number !== flow.activeVersion,
        ActiveVersionId: activeVersion(flow)?.id ?? null,
        LatestVersionId: latestVersion(flow)?.id ?? null,
        VersionNumber: currentVersion(flow)?.number ?? null,
        NamespacePrefix: flow.namespace,
        ManageableState: flow.namespace === null ? 'unmanaged' : 'installed',
        LastModifiedBy: author ? `${author.firstName} ${author.lastName}` : null,
        LastModifiedDate: salesforceDateTime(flow.lastModifiedDate),
        Builder: flow.processType === 'Workflow' ? 'Process Builder' : 'Flow Builder',
      }
    }),
})

export const flowVersionViews = (org: Org): VirtualTable => ({
  name: 'FlowVersionView',
  key: 'DurableId',
  columns: {
    Id: 'string',
    DurableId: 'string',
    FlowDefinitionViewId: reference('FlowDefinitionView', 'FlowDefinitionView'),
    Label: 'string',
    Description: 'string',
    Status: 'picklist',
    VersionNumber: 'int',
    ProcessType: 'picklist',
    ApiVersion: 'double',
    RunInMode: 'picklist',
    LastModifiedDate: 'datetime',
  },
  rows: () =>
    [...org.flows.values()].flatMap((flow) =>
      flow.versions.map((version) => ({
        Id: version.id,
        DurableId: version.id,
        FlowDefinitionViewId: flow.id,
        Label: version.label,
        Description: flow.description,
        Status: version.status,
        VersionNumber: version.number,
        ProcessType: flow.processType,
        ApiVersion: Number(version.metadata['apiVersion'] ?? 0),
        RunInMode: version.metadata['runInMode'] ?? 'DefaultMode',
        LastModifiedDate: salesforceDateTime(version.lastModifiedDate),
      })),
    ),
})
