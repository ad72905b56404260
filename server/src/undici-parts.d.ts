// The types of undici's parts: the package describes them at its entry only.

declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici'
  export default Agent
}
declare module 'undici/lib/dispatcher/dispatcher.js' {
  import { Dispatcher } from 'undici'
  export default Dispatcher
}
declare module 'undici/lib/handler/decorator-handler.js' {
  import { DecoratorHandler } from 'undici'
  export default DecoratorHandler
}
declare module 'undici/lib/api/index.js' {
  const api: object
  export default api
}
