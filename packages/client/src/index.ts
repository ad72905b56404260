// The public face of the library.

export { SfdcEngine } from './engine.ts'
export { type EngineOptions, type Retry } from './http.ts'
export { type WorkResources } from './operation.ts'
export * from './errors.ts'
export * as webhooks from './webhooks.ts'
export type * from './calls.ts'
export type * from './contract.ts'
