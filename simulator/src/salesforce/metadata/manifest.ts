import { nodes, text, texts, writeMetadataFile, type MetadataNode } from '../../org/metadata-xml.ts'

/** What a package.xml names, type by type, in its own order. */
export interface Manifest {
  types: { name: string; members: string[] }[]
  version: string
}

export function readManifest(packageNode: MetadataNode | undefined): Manifest {
  return {
    types: nodes(packageNode, 'types').flatMap((node) => {
      const name = text(node, 'name')
      return name === undefined ? [] : [{ name, members: texts(node, 'members') }]
    }),
    version: text(packageNode, 'version') ?? '',
  }
}

/** A package.xml; types and members sorted, as Salesforce writes them into a retrieve's zip. */
export function writeManifest({ types, version }: Manifest): string {
  const sorted = types
    .map(({ name, members }) => ({ members: [...new Set(members)].sort(), name }))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  return writeMetadataFile('Package', { types: sorted, version })
}
