import type { SoapRoute } from '../rest.ts'
import { runMetadataCall } from './calls.ts'
import { ComponentCatalogue } from './catalogue.ts'
import { retrievesOf } from './retrieve-jobs.ts'
import { readEnvelope, SoapFault, statusOf, writeEnvelope, writeFault } from './soap.ts'

/** The Metadata API by SOAP. */
export const soapRoutes: SoapRoute[] = [
  {
    pattern: '/services/Soap/m/:version',
    handler(ctx) {
      const { org, version } = ctx
      try {
        const call = readEnvelope(ctx.body)
        const caller = ctx.authenticate(call.sessionId ?? '')
        if (!caller) {
          throw new SoapFault(
            'INVALID_SESSION_ID',
            'Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash. This is expected, it can happen if the session has expired and swept away, or if the user logs out, or if its just someone trying to hack in.',
          )
        }
        const catalogue = new ComponentCatalogue(org, version)
        const content = runMetadataCall(
          {
            apiVersion: `${version}.0`,
            isSandbox: org.isSandbox,
            retrieves: retrievesOf(org),
            caller: { version, org, user: caller.user, viewer: caller.viewer },
            newRetrieveId: () => org.ids.make('09S'),
            userName: (id) => {
              const user = org.users.get(id)
              return user ? `${user.firstName} ${user.lastName}`.trim() : ''
            },
            list: (type) => catalogue.list(type),
            find: (type, fullName) => catalogue.find(type, fullName),
          },
          call,
        )
        return { status: 200, body: writeEnvelope(call.name, content) }
      } catch (error) {
        if (error instanceof SoapFault) {
          return { status: statusOf(error), body: writeFault(error) }
        }
        throw error
      }
    },
  },
]
