// The name of a metadata component, whichever of its two names Salesforce returns.

const SUFFIX = /__gvs$/i

/**
 * The name that goes into a package. Salesforce: Metadata API guide, GlobalValueSet: some calls return a
 * set created since version 57.0 as `X__gvs`, while its file and package.xml call it `X`.
 */
export const componentName = (type: string, fullName: string): string =>
  type === 'GlobalValueSet' ? fullName.replace(SUFFIX, '') : fullName
