// The members of a flow by the types of Salesforce's WSDL, and the values of its enumerations. Salesforce:
// Metadata API guide, "Flow" (v67.0), with what only its text or older files have: `versionSegment`,
// `segment`, `einsteinDecidePath`, `runAsUser` of stages, and the stages of the first orchestrations.

import { list, type MetadataNode } from '../../org/metadata-xml.ts'
import { Problem } from './deploy/draft.ts'

/**
 * `Type < Base = member member:Type …`, without the `Flow` that nearly every name begins with. Members
 * without a type are texts, numbers and booleans, or actions, of which Salesforce has hundreds.
 */
const TYPES = `
  Flow = accessType:AccessType actionCalls:ActionCall apexPluginCalls:ApexPluginCall apiVersion
    areMetricsLoggedToDataCloud assignments:Assignment choices:Choice
    collectionFilterCriteria:CollectionFilterCriteria collectionProcessors:CollectionProcessor
    constants:Constant customErrors:CustomError customProperties:CustomProperty dataSpace
    decisions:Decision description dynamicChoiceSets:DynamicChoiceSet environments:Environment
    exitRules:ExitRule experiments:Experiment formulas:Formula groups:NodeGroup interviewLabel
    isAdditionalPermissionRequiredToRun isOverridable isTemplate label loops:Loop
    migratedFromWorkflowRuleName orchestratedStages:OrchestratedStage overriddenFlow
    processMetadataValues:MetadataValue processType:ProcessType recordCreates:RecordCreate
    recordDeletes:RecordDelete recordLookups:RecordLookup recordRollbacks:RecordRollback
    recordUpdates:RecordUpdate runInMode:RunInMode screens:Screen sourceTemplate stages:Stage
    start:Start startElementReference status:VersionStatus steps:Step subflows:Subflow
    textTemplates:TextTemplate timeZoneSidKey transforms:Transform triggerOrder variables:Variable
    waits:Wait segment steppedStages
  ActionCall < Node = actionCallPaths:ActionCallPath actionName actionType connector:Connector
    dataTypeMappings:DataTypeMapping faultConnector:Connector flowTransactionModel:TransactionModel
    inputParameters:ActionCallInputParameter isWaitUntilCompleted nameSegment offset
    offsetUnit:ScheduledPathOffsetUnit outputParameters:ActionCallOutputParameter
    storeOutputAutomatically timeoutConnector:Connector timeoutPathUsage:ActionCallTimeoutPath
    versionString versionSegment einsteinDecidePath
  ActionCallInputParameter < BaseElement = name value:ElementReferenceOrValue
  ActionCallOutputParameter < BaseElement = assignToReference name
  ActionCallPath < BaseElement = connector:Connector pathName
  ApexPluginCall < Node = apexClass connector:Connector faultConnector:Connector
    inputParameters:ApexPluginCallInputParameter outputParameters:ApexPluginCallOutputParameter
  ApexPluginCallInputParameter < BaseElement = name value:ElementReferenceOrValue
  ApexPluginCallOutputParameter < BaseElement = assignToReference name
  Assignment < Node = assignmentItems:AssignmentItem connector:Connector
  AssignmentItem < BaseElement = assignToReference operator:AssignmentOperator
    value:ElementReferenceOrValue
  Attribute < BaseElement = type:AttributeType value
  BaseElement = processMetadataValues:MetadataValue
  Capability < Element = capabilityName inputs:CapabilityInput
  CapabilityInput < Element = capabilityInputName dataType isCollection
  Choice < Element = choiceIcon:Icon choiceText dataType:DataType userInput:ChoiceUserInput
    value:ElementReferenceOrValue
  ChoiceUserInput < BaseElement = isRequired promptText validationRule:InputValidationRule
  CollectionFilterCondition < BaseElement = leftValueReference objectFieldName objectReferencePath
    operator:ComparisonOperator rightValue:ElementReferenceOrValue
  CollectionFilterCriteria < Element = dataType:DataType filterCondition
    filterOptions:CollectionFilterCondition formatType objectReferencePath
    sortOptions:CollectionFilterSortOption subType
  CollectionFilterSortOption < BaseElement = nullsFirst objectReferencePath sortField
    sortOrder:SortOrder
  CollectionMapItem < BaseElement = assignToFieldReference operator:AssignmentOperator
    value:ElementReferenceOrValue
  CollectionProcessor < Node = assignNextValueToReference
    collectionProcessorType:CollectionProcessorType collectionReference conditionLogic
    conditions:Condition connector:Connector formula limit mapItems:CollectionMapItem outputSObjectType
    sortOptions:CollectionSortOption
  CollectionSortOption < BaseElement = doesPutEmptyStringAndNullFirst sortField sortOrder:SortOrder
  Condition < BaseElement = aggregationField aggregationOperator conditionLogic conditionType
    conditions:Condition leftValueReference operator:ComparisonOperator
    rightValue:ElementReferenceOrValue
  Connector < BaseElement = isGoTo targetReference
  Constant < Element = dataType:DataType value:ElementReferenceOrValue
  CustomError < Node = description connector:Connector customErrorMessages:CustomErrorMessage
  CustomErrorMessage < BaseElement = errorMessage fieldSelection isFieldError
  CustomProperty = name value:ElementReferenceOrValue
  DataTypeMapping < BaseElement = apexClass schemaUri typeName typeValue valueMappingKey
    valueMappingTarget valueMappingTransformType:ValueMappingType
  Decision < Node = attributes:Attribute defaultConnector:Connector defaultConnectorLabel rules:Rule
  DynamicChoiceSet < Element = collectionReference dataType:DataType displayField filterLogic
    filters:RecordFilter limit object outputAssignments:OutputFieldAssignment picklistField
    picklistObject sortField sortOrder:SortOrder valueField
  Element < BaseElement = description name
  ElementReferenceOrValue = apexValue booleanValue collectionElements:ElementReferenceOrValue
    complexValue complexValueType:ComplexValueType dateTimeValue dateValue elementReference
    formulaDataType:DataType formulaExpression inputConfiguratorMode:InputConfiguratorMode
    isReverseValueMapping numberValue setupReference setupReferenceType sobjectValue stringValue
    timeValue transform:InlineTransform transformValueReference valueMapName
  ExitEventInputParameter < BaseElement = name value:ElementReferenceOrValue
  ExitEventOutputParameter < BaseElement = assignToReference name
  ExitRule < Element = automationEventName automationEventType conditions:Condition
    inputParameters:ExitEventInputParameter label logicalOperator
    outputParameters:ExitEventOutputParameter ruleOrder
  Experiment < Node = duration durationUnit:ScheduledPathOffsetUnit fallbackMode:ExperimentFallbackMode
    paths:ExperimentPath primaryMetric testGroupPercentage type
  ExperimentPath < Element = connector:Connector label percentage
  Formula < Element = dataType:DataType expression scale
  Icon = iconName
  InlineTransform < BaseElement = apexClass dataType:DataType isCollection objectType schemaUri
    transformValues:TransformValue
  InputFieldAssignment < BaseElement = field value:ElementReferenceOrValue
  InputValidationRule = errorMessage formulaExpression
  Loop < Node = assignNextValueToReference collectionReference iterationOrder:IterationOrder
    nextValueConnector:Connector noMoreValuesConnector:Connector
  MetadataValue = name value:ElementReferenceOrValue
  Node < Element = elementSubtype:ElementSubtype group label locationX locationY
  NodeGroup < Node = faultConnector:Connector groupType:NodeGroupType sourceBranchApiName
    sourceReference
  OrchestratedStage < Node = connector:Connector
    exitActionInputParameters:StageStepExitActionInputParameter exitActionName
    exitActionOutputParameters:StageStepExitActionOutputParameter exitActionType exitConditionLogic
    exitConditions:Condition faultConnector:Connector stageSteps:StageStep runAsUser
  OutputFieldAssignment < BaseElement = assignToReference field
  RecordCreate < Node = assignRecordIdToReference connector:Connector doesUpsert doesUpsertAllOrNone
    faultConnector:Connector filterLogic filters:RecordFilter inputAssignments:InputFieldAssignment
    inputReference object operationMultMatchingRecords operationOneMatchingRecord
    operationZeroMatchingRecords storeOutputAutomatically upsertExternalIdField upsertStandardIdField
  RecordDelete < Node = connector:Connector faultConnector:Connector filterLogic filters:RecordFilter
    inputReference object
  RecordFilter < BaseElement = field operator:RecordFilterOperator value:ElementReferenceOrValue
  RecordLookup < Node = assignNullValuesIfNoRecordsFound connector:Connector faultConnector:Connector
    filterLogic filters:RecordFilter getFirstRecordOnly limit:ElementReferenceOrValue object
    outputAssignments:OutputFieldAssignment outputReference queriedFields
    relatedRecords:RelatedRecordLookup sortField sortOrder:SortOrder storeOutputAutomatically
  RecordRollback < Node = connector:Connector
  RecordUpdate < Node = connector:Connector faultConnector:Connector filterLogic filters:RecordFilter
    inputAssignments:InputFieldAssignment inputReference object
  RelatedRecordLookup < BaseElement = filterLogic filters:RecordFilter getFirstRecordOnly
    limit:ElementReferenceOrValue queriedFields relatedObject relatedRecords:RelatedRecordLookup
    relationshipField sortField sortOrder:SortOrder
  Rule < Element = attributes:Attribute conditionLogic conditions:Condition connector:Connector
    doesRequireRecordChangedToMeetCriteria isGroupedConditions label
  Schedule = dayOfMonthToRun daysOfWeekToRun endDate endTime frequency:StartFrequency frequencyNumber
    startDate startTime
  ScheduledPath < Element = connector:Connector label maxBatchSize offsetNumber
    offsetUnit:ScheduledPathOffsetUnit pathType:ScheduledPathType recordField
    timeSource:ScheduledPathTimeSource
  Screen < Node = actions:ScreenAction allowBack allowFinish allowPause backButtonLabel
    connector:Connector fields:ScreenField helpText nextOrFinishButtonLabel pauseButtonLabel pausedText
    rules:ScreenRule showFooter showHeader stageReference:ElementReferenceOrValue
    styleSettings:ScreenStyleSetting triggers:ScreenTrigger
  ScreenAction < Element = actionName actionType inputParameters:ScreenActionInputParameter label
    nameSegment versionString
  ScreenActionInputParameter < BaseElement = name value:ElementReferenceOrValue
  ScreenField < Element = attributes:Attribute choiceReferences dataType:DataType
    dataTypeMappings:DataTypeMapping defaultSelectedChoiceReference defaultValue:ElementReferenceOrValue
    extensionName fieldText fieldType:ScreenFieldType fields:ScreenField helpText
    inputParameters:ScreenFieldInputParameter inputsOnNextNavToAssocScrn:ScreenFieldInputsRevisited
    isDisabled:ElementReferenceOrValue isReadOnly:ElementReferenceOrValue isRequired isVisible
    objectFieldReference outputParameters:ScreenFieldOutputParameter
    regionContainerType:RegionContainerType scale sourceTemplateApiName sourceTemplateProviderType
    storeOutputAutomatically styleProperties:ScreenFieldStyleProperties
    validationRule:InputValidationRule visibilityRule:VisibilityRule
  ScreenFieldInputParameter < BaseElement = name value:ElementReferenceOrValue
  ScreenFieldOutputParameter < BaseElement = assignToReference name
  ScreenFieldStyleProperties = styleSettings:ScreenStyleSetting
    verticalAlignment:ElementReferenceOrValue width:ElementReferenceOrValue
  ScreenRule < BaseElement = conditionLogic conditions:Condition label ruleActions:ScreenRuleAction
  ScreenRuleAction < BaseElement = attribute fieldReference value:ElementReferenceOrValue
  ScreenStyleSetting < BaseElement = propertyName propertyValue:ElementReferenceOrValue scope
  ScreenTrigger < BaseElement = eventName eventSource handlers:ScreenTriggerHandler
  ScreenTriggerHandler < BaseElement = conditionLogic conditions:Condition initBehavior screenActionName
  Stage < Element = isActive label stageOrder
  StageStep < Element = actionName actionType assignees:StageStepAssignee canAssigneeEdit
    debugSimulateStep entryActionInputParameters:StageStepEntryActionInputParameter entryActionName
    entryActionOutputParameters:StageStepEntryActionOutputParameter entryActionType entryConditionLogic
    entryConditions:Condition exitActionInputParameters:StageStepExitActionInputParameter exitActionName
    exitActionOutputParameters:StageStepExitActionOutputParameter exitActionType exitConditionLogic
    exitConditions:Condition inputParameters:StageStepInputParameter label
    outputConfigParams:StageStepOutputConfigParam outputParameters:StageStepOutputParameter
    requiresAsyncProcessing requiresMultiMemberApproval runAsUser shouldLock stepSubtype:ElementSubtype
  StageStepAssignee < BaseElement = assignee:ElementReferenceOrValue assigneeType:StageStepAssigneeType
  StageStepEntryActionInputParameter < BaseElement = name value:ElementReferenceOrValue
  StageStepEntryActionOutputParameter < BaseElement = assignToReference name
  StageStepExitActionInputParameter < BaseElement = name value:ElementReferenceOrValue
  StageStepExitActionOutputParameter < BaseElement = assignToReference name
  StageStepInputParameter < BaseElement = name value:ElementReferenceOrValue
  StageStepOutputConfigParam < BaseElement = name value:ElementReferenceOrValue
  StageStepOutputParameter < BaseElement = assignToReference name
  Start < Node = activation activationDef activationTemplate capabilityTypes:Capability conditionLogic
    conditions:Condition connector:Connector dataGraph dataTypeMappings:DataTypeMapping
    doesRequireRecordChangedToMeetCriteria entryType:EntryType eventName eventType
    fanOutAction:ActionCall filterFormula filterLogic filters:RecordFilter flowRunAsUser:RunAsUser form
    individualObjectRelatedField inputs:StartInputParameter isAsync listAction:ActionCall maxBatchSize
    object objectContainer prioritizedContactPointsList publishSegment
    recordTriggerType:RecordTriggerType schedule:Schedule scheduledPaths:ScheduledPath segment
    sendMsgToOneContactPtPerIndv triggerType:TriggerType triggeringDataGraph
    triggeringDataModelObjectPath versionString
  StartInputParameter < BaseElement = name value:ElementReferenceOrValue
  Step < Node = connectors:Connector
  Subflow < Node = connector:Connector flowName inputAssignments:SubflowInputAssignment
    outputAssignments:SubflowOutputAssignment storeOutputAutomatically
  SubflowInputAssignment < BaseElement = name value:ElementReferenceOrValue
  SubflowOutputAssignment < BaseElement = assignToReference name
  TextTemplate < Element = isViewedAsPlainText text
  Transform < Node = apexClass connector:Connector dataType:DataType isCollection objectType scale
    schemaUri storeOutputAutomatically transformValues:TransformValue
  TransformValue < BaseElement = transformValueActions:TransformValueAction transformValueDescription
    transformValueLabel transformValueName
  TransformValueAction < BaseElement = actionName actionType actionVersionString assignToReference
    inputParameters:TransformValueActionInputParameter name outputFieldApiName
    transformType:TransformValueActionType value:ElementReferenceOrValue
  TransformValueActionInputParameter < BaseElement = name value:ElementReferenceOrValue
  Variable < Element = apexClass dataType:DataType isCollection isInput isOutput objectType scale
    value:ElementReferenceOrValue
  VisibilityRule < BaseElement = conditionLogic conditions:Condition
  Wait < Node = defaultConnector:Connector defaultConnectorLabel faultConnector:Connector timeZoneId
    waitEvents:WaitEvent
  WaitEvent < Element = associatedElement automationEventName automationEventType conditionLogic
    conditions:Condition connector:Connector eventType filterLogic filters:RecordFilter
    inputParameters:WaitEventInputParameter interactionType:WaitInteractionType label maxBatchSize
    object offset offsetUnit:ScheduledPathOffsetUnit outputParameters:WaitEventOutputParameter
    recordTriggerType:RecordTriggerType resumeDate resumeDateReference resumeTime
  WaitEventInputParameter < BaseElement = name value:ElementReferenceOrValue
  WaitEventOutputParameter < BaseElement = assignToReference name
  Metadata = fullName
`

const ENUMS = `
  AccessType = Open NamespaceRestricted
  ActionCallTimeoutPath = EnableTimeoutPath DisableTimeoutPath
  AssignmentOperator = None Assign Add Subtract AddItem RemoveFirst RemoveBeforeFirst RemoveAfterFirst
    RemoveAll AddAtStart RemoveUncommon AssignCount RemovePosition
  AttributeType = LlmPrompt LlmDescription
  CollectionProcessorType = SortCollectionProcessor RecommendationMapCollectionProcessor
    FilterCollectionProcessor
  ComparisonOperator = None EqualTo NotEqualTo GreaterThan LessThan GreaterThanOrEqualTo
    LessThanOrEqualTo StartsWith EndsWith Contains IsNull IsChanged WasSet WasSelected WasVisited In
    NotIn IsBlank IsEmpty HasError HasNoValue HasValue IsAnniversaryOfToday IsNotAnniversaryOfToday
    IsToday IsTomorrow IsYesterday IsThisMonth IsNextMonth IsLastMonth ThisYear NextYear LastYear IsOn
    IsBefore IsAfter GreaterThanLastNumberOfDays LastNumberOfDays NextNumberOfDays LastNumberOfMonths
    NextNumberOfMonths LastNumberOfYears
  ComplexValueType = JoinDefinition FieldReference ResourceDescriptor ResourceAnnotationMap
    ComplexObjectFieldDetails FlowDataCloudId
  DataType = Currency Date Number String Boolean SObject DateTime Time Picklist Multipicklist Apex
  ElementSubtype = SortCollectionProcessor RecommendationMapCollectionProcessor
    FilterCollectionProcessor WaitDate WaitUntilEvent WaitAttribute WaitDuration InteractiveStep
    BackgroundStep MuleSoftStep ManagedContentRoleInteractiveStep
    ManagedContentVariantSetLockBackgroundStep ManagedContentVariantSetReadyBackgroundStep
    ManagedContentVariantAutoPublishBackgroundStep ManagedContentVariantAutoUnpublishBackgroundStep
    AddPromptInstructions ApprovalStep AgxBackgroundStep AgxInteractiveStep SendToFlow
  EntryType = Always AfterCompletion Never
  Environment = Default Slack Offline
  ExperimentFallbackMode = BestPerformer Randomize
  InputConfiguratorMode = Custom Resource Transform Formula ValueMapping
  NodeGroupType = generic
  ProcessType = AutoLaunchedFlow Flow Workflow CustomEvent InvocableProcess LoginFlow ActionPlan
    JourneyBuilderIntegration UserProvisioningFlow Survey SurveyEnrich Appointments FSCLending
    DigitalForm FieldServiceMobile OrchestrationFlow FieldServiceWeb TransactionSecurityFlow
    ContactRequestFlow ManagedContentFlow CheckoutFlow CartAsyncFlow DataCaptureFlow CustomerLifecycle
    Journey RecommendationStrategy Orchestrator RoutingFlow ServiceCatalogItemFlow EvaluationFlow
    LoyaltyManagementFlow ManagedContentAuthoringWorkflow ActionCadenceAutolaunchedFlow
    ActionCadenceStepFlow CadenceStepReviewCriteriaFlow IndicatorResultFlow IndividualObjectLinkingFlow
    PromptFlow ApprovalWorkflow DcvrFrameworkDataCaptureFlow ActivityObjectMatchingFlow
    ActionableEventManagementFlow StageManagementEvaluationFlow IdentityUserRegistrationFlow
    AgxBackgroundFlow AgxDataRetrievalFlow AgxScreenFlow AgxOrchestrationFlow UnifiedSchedulingFlow
    AppProcess
  RecordFilterOperator = EqualTo NotEqualTo GreaterThan LessThan GreaterThanOrEqualTo LessThanOrEqualTo
    StartsWith EndsWith Contains IsNull IsChanged In NotIn
  RegionContainerType = SectionWithHeader SectionWithoutHeader
  RunAsUser = TriggeringUser DefaultWorkflowUser
  RunInMode = DefaultMode SystemModeWithSharing SystemModeWithoutSharing
  ScheduledPathOffsetUnit = Hours Days Minutes Months Weeks
  ScheduledPathTimeSource = RecordTriggerEvent RecordField
  ScheduledPathType = AsyncAfterCommit ApprovalRecall
  ScreenFieldInputsRevisited = UseStoredValues ResetValues
  ScreenFieldType = DisplayText InputField LargeTextArea PasswordField RadioButtons RadioButtonGroup
    DropdownBox MultiSelectCheckboxes MultiSelectPicklist ComponentInstance ComponentInput
    ComponentChoice ComponentMultiChoice ComponentDisplay Repeater RegionContainer Region ObjectProvided
  StageStepAssigneeType = User Group Queue Invalid Resource
  StartFrequency = OnActivate Once Daily Weekly Monthly Yearly Hourly Weekdays
  TransactionModel = Automatic NewTransaction CurrentTransaction
  TransformValueActionType = Map Count Sum GetItemByIndex InnerJoin InvocableAction
  TriggerType = None Scheduled RecordBeforeSave RecordBeforeDelete RecordAfterSave PlatformEvent
    EventDrivenJourney Segment DataCloudDataChange FormSubmissionEvent Capability AutomationEvent
    ExternalSystemChange DataGraphDataChange Activation AdminAutomationEvent BroadcastNoTrigger
    OnDemandNoTrigger IndivRelatedRecord RecordQuery CampaignMember EnterpriseScaleExternalSystemChange
    List ApiEventTrigger
  ValueMappingType = FirstEntry
  VersionStatus = Active Draft Obsolete InvalidDraft UnderReview
  WaitInteractionType = EmailResponse SmsResponse WhatsappResponse RcsResponse
  IterationOrder = Asc Desc
  RecordTriggerType = Update Create CreateAndUpdate Delete None
  SortOrder = Asc Desc
`

/** The entries of a table; an indented line belongs to the one before it. */
const entriesOf = (table: string): [head: string, words: string[]][] =>
  table
    .trim()
    .split(/\n {2}(?! )/)
    .map((entry) => {
      const [head = '', rest = ''] = entry.split('=')
      return [head.trim(), rest.split(/\s+/).filter((word) => word !== '')]
    })

interface FlowType {
  base: string
  /** The type of each member, empty for a text. */
  members: ReadonlyMap<string, string>
}

const types = new Map(
  entriesOf(TYPES).map(([head, words]): [string, FlowType] => {
    const [name = '', base = ''] = head.split(' < ')
    const members = words.map((word): [string, string] => {
      const [member = '', type = ''] = word.split(':')
      return [member, type]
    })
    return [name, { base, members: new Map(members) }]
  }),
)
const enums = new Map(entriesOf(ENUMS))

/** As Salesforce calls it: some types do not begin with `Flow`. */
const fullName = (type: string) =>
  /^(?:Flow|IterationOrder|RecordTriggerType|SortOrder)$/.test(type) ? type : `Flow${type}`

/** The type of a member; undefined if the type does not have it. */
const memberType = (type: string, member: string): string | undefined => {
  const found = types.get(type)
  if (found === undefined) return undefined
  return found.members.get(member) ?? memberType(found.base, member)
}

/** Refuses members that a flow does not have there, and values that are not of their enumeration. */
export function checkFlowSchema(node: MetadataNode, type = 'Flow'): void {
  for (const member of Object.keys(node)) {
    if (type === 'Flow' && member === 'fullName') continue
    const expected = memberType(type, member)
    if (expected === undefined) {
      throw new Problem(
        `Element {http://soap.sforce.com/2006/04/metadata}${member} invalid at this location in type ${fullName(type)}`,
      )
    }
    const values = enums.get(expected)
    for (const value of list(node, member)) {
      if (values === undefined) {
        if (expected !== '' && typeof value === 'object' && value !== null) {
          checkFlowSchema(value as MetadataNode, expected)
        }
      } else if (
        typeof value === 'string' &&
        value.trim() !== '' &&
        !values.includes(value.trim())
      ) {
        throw new Problem(`'${value}' is not a valid value for the enum '${fullName(expected)}'`)
      }
    }
  }
}
