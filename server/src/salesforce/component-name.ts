// What a metadata component is called, whichever of its two names Salesforce answers with.

const SUFFIX = /__gvs$/i

/**
 * The name that goes into a package. Salesforce: Metadata API guide, GlobalValueSet: a set made since
 * version 57.0 is answered as `X__gvs` by some calls, and its file and package.xml call it `X`.
 */
export const componentName = (type: string, fullName: string): string =>
  type === 'GlobalValueSet' ? fullName.replace(SUFFIX, '') : fullName
