// The names of the API's operations are a promise: docs/operation-ids.txt keeps them, so that one that
// disappears is noticed.

interface Document {
  paths?: Record<string, Record<string, { operationId?: string }>>
}

/** The operationIds of an OpenAPI document, sorted. */
export const idsIn = (document: Document): string[] =>
  Object.values(document.paths ?? {})
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ operationId }) => operationId ?? [])
    .toSorted()

/** Names that were promised (one a line), are gone, and are not named in the changelog. */
export const missedIds = ({
  promised,
  present,
  changelog,
}: {
  promised: string
  present: readonly string[]
  changelog: string
}): string[] =>
  promised
    .split('\n')
    .filter((id) => id !== '' && !present.includes(id) && !changelog.includes(`\`${id}\``))
