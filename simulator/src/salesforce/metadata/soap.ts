import { isDocumentedType } from '../../documented.ts'
import {
  child,
  escapeXml,
  metadataNamespace,
  SCHEMA_NAMESPACES,
  parseTypedXml,
  parseXml,
  text,
  type MetadataNode,
} from '../../org/metadata-xml.ts'

/** A SOAP request: the call, its arguments, and the session from its header. */
export interface SoapCall {
  name: string
  arguments: MetadataNode
  sessionId: string | undefined
  /** All headers, by element name (AllOrNoneHeader, CallOptions, DebuggingHeader). */
  headers: MetadataNode
  /** The arguments again with their `xsi:type`, on request also that of texts: see `parseTypedXml`. */
  typedArguments(typedTexts?: boolean): MetadataNode
}

/** A fault that goes back as HTTP 500 with Salesforce's exception code. */
export class SoapFault extends Error {
  override name = 'SoapFault'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The simulator's own refusal, which goes back as HTTP 501. */
export const notSimulatedFault = (what: string): SoapFault =>
  new SoapFault(
    'NOT_SIMULATED',
    `The simulator does not do this: ${what}. See its README for what it does.`,
  )

/** Why a call cannot handle a metadata type: it does not exist, or is not simulated. */
export const unknownType = (type: string): SoapFault =>
  isDocumentedType(type)
    ? notSimulatedFault(`the metadata type ${type}`)
    : new SoapFault('INVALID_TYPE', `Unknown type:${type}`)

/** The HTTP status of a fault. All of Salesforce's are 500, as SOAP 1.1 requires. */
export const statusOf = ({ code }: SoapFault): number => (code === 'NOT_SIMULATED' ? 501 : 500)

const envelopeNamespace = 'http://schemas.xmlsoap.org/soap/envelope/'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>'

/** Reads an envelope. Throws a client fault if it is not one. */
export function readEnvelope(xml: string): SoapCall {
  let root: MetadataNode
  try {
    root = parseXml(xml)
  } catch (error) {
    throw new SoapFault('soapenv:Client', error instanceof Error ? error.message : String(error))
  }
  const envelope = child(root, 'Envelope')
  const body = child(envelope, 'Body')
  const [name] = Object.keys(body ?? {})
  if (!body || !name) throw new SoapFault('soapenv:Client', 'The SOAP body holds no call')
  const headers = child(envelope, 'Header') ?? {}
  return {
    name,
    arguments: child(body, name) ?? {},
    sessionId: text(child(headers, 'SessionHeader'), 'sessionId'),
    headers,
    typedArguments: (typedTexts) =>
      child(child(child(parseTypedXml(xml, typedTexts), 'Envelope'), 'Body'), name) ?? {},
  }
}

/** The answer's envelope. `content` is already XML, as `writeElements` returns it. */
export function writeEnvelope(call: string, content: string): string {
  return `${declaration}<soapenv:Envelope xmlns:soapenv="${envelopeNamespace}" xmlns="${metadataNamespace}" ${SCHEMA_NAMESPACES}><soapenv:Body><${call}Response>${content}</${call}Response></soapenv:Body></soapenv:Envelope>`
}

export function writeFault({ code, message }: SoapFault): string {
  const prefixed = code.includes(':') ? code : `sf:${code}`
  // Salesforce repeats the bare code in front of the fault's text.
  const string = code.includes(':') ? message : `${code}: ${message}`
  return `${declaration}<soapenv:Envelope xmlns:soapenv="${envelopeNamespace}" xmlns:sf="${metadataNamespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>${prefixed}</faultcode><faultstring>${escapeXml(string)}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
}
