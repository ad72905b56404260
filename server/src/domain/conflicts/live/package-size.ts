// How large the package of a plan would be, without reading the Salesforce org: what is merged into
// existing files (layouts, apps, permission sets and profiles of others) is not counted, nor are records of custom
// metadata, whose type has to be read.

import { EngineError } from '../../../errors.ts'
import { buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { compilePlan } from '../../plan/compile.ts'
import { filePath } from '../../metadata/kinds.ts'
import { objectKind } from '../../metadata/names.ts'
import { definesObject, type Plan } from '../../plan/schema.ts'
import { writeFile } from '../../metadata/xml-tree.ts'
import { type PackageSize, type PlannedWorkflow } from '../facts.ts'

/** Null for a plan that does not compile; other rules report why. */
export const packageSizeOf = (
  plan: Plan,
  apiVersion: string,
  objectExists: (name: string) => boolean,
): PackageSize | null => {
  const own: Plan = {
    ...plan,
    permissions: { ...plan.permissions, profiles: [], permission_sets: [] },
    layouts: plan.layouts.filter(({ object }) => !objectExists(object)),
    custom_metadata_records: [],
    app_tabs: [],
  }
  const current = new Map(
    plan.objects
      .filter((object) => !definesObject(object) && objectKind(object.api_name) !== 'standard')
      .map(({ api_name }) => [
        filePath('CustomObject', api_name) ?? '',
        writeFile('CustomObject', { label: api_name }),
      ]),
  )
  try {
    const { files, members } = compilePlan(own, { current })
    const unzippedBytes = [...files.values()].reduce(
      (sum, text) => sum + Buffer.byteLength(text),
      0,
    )
    try {
      const built = buildDeployPackage({ files, members }, apiVersion)
      return {
        files: built.fileCount,
        zipBytes: built.zip.byteLength,
        unzippedBytes: built.unzippedBytes,
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      // Too large: the zip was not made, and is as large as its files at most.
      return { files: files.size + 1, zipBytes: unzippedBytes, unzippedBytes }
    }
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
}

/** The same for workflows, one file each; their XML is about as long as their JSON. */
export const workflowsSizeOf = (workflows: readonly PlannedWorkflow[]): PackageSize => {
  const bytes = workflows.reduce(
    (sum, { definition }) => sum + Buffer.byteLength(JSON.stringify(definition)),
    0,
  )
  return { files: workflows.length + 1, zipBytes: bytes, unzippedBytes: bytes }
}
