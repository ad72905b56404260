// What the server uses of undici. The entry of the package also loads its fetch, WebSockets, caches and
// mocks: 78 modules more, which are 2.4 MB of every idle server.

import type { Dispatcher as DispatcherType } from 'undici'
import Agent from 'undici/lib/dispatcher/agent.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import DecoratorHandler from 'undici/lib/handler/decorator-handler.js'
import api from 'undici/lib/api/index.js'

// As the package's own entry does it: the methods `request`, `stream` and so on of all dispatchers.
Object.assign(Dispatcher.prototype, api)

export { Agent, DecoratorHandler }
export type { DispatcherType as Dispatcher }
