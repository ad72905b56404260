// DeployOptions, from JSON or XML. Salesforce: Metadata API guide, "DeployOptions"; everything is off
// by default.

export const TEST_LEVELS = [
  'NoTestRun',
  'RunSpecifiedTests',
  'RunLocalTests',
  'RunAllTestsInOrg',
  'RunRelevantTests',
] as const

export type TestLevel = (typeof TEST_LEVELS)[number]

export interface DeployOptions {
  allowMissingFiles: boolean
  autoUpdatePackage: boolean
  checkOnly: boolean
  ignoreWarnings: boolean
  performRetrieve: boolean
  purgeOnDelete: boolean
  rollbackOnError: boolean
  runTests: string[]
  singlePackage: boolean
  testLevel: TestLevel | null
}

const FLAGS = [
  'allowMissingFiles',
  'autoUpdatePackage',
  'checkOnly',
  'ignoreWarnings',
  'performRetrieve',
  'purgeOnDelete',
  'rollbackOnError',
  'singlePackage',
] as const

/** The request is not a deployment: a fault over SOAP, an error over REST. */
export class DeployRefusal extends Error {
  override name = 'DeployRefusal'
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Reads options. Unknown members are ignored, as Salesforce ignores what a newer version sends. */
export function readOptions(given: Readonly<Record<string, unknown>>): DeployOptions {
  const options: DeployOptions = {
    allowMissingFiles: false,
    autoUpdatePackage: false,
    checkOnly: false,
    ignoreWarnings: false,
    performRetrieve: false,
    purgeOnDelete: false,
    rollbackOnError: false,
    runTests: [],
    singlePackage: false,
    testLevel: null,
  }
  for (const name of FLAGS) {
    const value = given[name] ?? false
    if (![true, false, 'true', 'false'].includes(value as string | boolean)) {
      throw new DeployRefusal(
        'INVALID_TYPE_ON_FIELD_IN_RECORD',
        `${name}: value not of required type: ${JSON.stringify(value)}`,
      )
    }
    options[name] = value === true || value === 'true'
  }
  const tests = given['runTests'] ?? []
  options.runTests = (Array.isArray(tests) ? (tests as unknown[]) : [tests])
    .map(String)
    .filter((name) => name !== '')
  const level = given['testLevel'] ?? null
  if (level !== null && level !== '') {
    options.testLevel = TEST_LEVELS.find((known) => known === level) ?? null
    if (options.testLevel === null) {
      throw new DeployRefusal(
        'INVALID_OPERATION',
        `${JSON.stringify(level)} is not a valid value for the enum 'TestLevel'`,
      )
    }
  }
  return options
}
