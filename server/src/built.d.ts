export declare const DIST: string
export declare const MADE_OF: string
export declare const contentsOf: (files: readonly string[]) => string
export declare const builtServer: () => string | undefined
