// What an operation is called in the OpenAPI document, and so in every generated client.

/**
 * Of its path: `/api/deploy/custom-objects` is `deployCustomObjects`. An `operationId` is a promise: a
 * client library has it as the name of a method.
 */
export const operationIdOf = ({ path, operationId }: { path: string; operationId?: string }) =>
  operationId ??
  path
    .replace(/^\/(api\/)?/, '')
    .replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase())

/** As the beginning of a schema's name. */
export const inPascalCase = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
