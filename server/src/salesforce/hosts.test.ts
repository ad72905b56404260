import { describe, expect, it } from 'vitest'
import { EngineError } from '../errors.ts'
import { createHostPolicy } from './hosts.ts'

const plain = createHostPolicy([])

const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof EngineError ? error.code : 'not an EngineError'
  }
  return 'accepted'
}

describe('instance hosts', () => {
  it.each([
    ['https://acme.my.salesforce.com', 'https://acme.my.salesforce.com/'],
    ['https://acme.my.salesforce.com/', 'https://acme.my.salesforce.com/'],
    ['https://acme--dev.sandbox.my.salesforce.com', 'https://acme--dev.sandbox.my.salesforce.com/'],
    ['https://ACME.My.Salesforce.COM', 'https://acme.my.salesforce.com/'],
    ['https://na1.salesforce.com', 'https://na1.salesforce.com/'],
    ['https://login.salesforce.com', 'https://login.salesforce.com/'],
    ['https://x.my.salesforce.mil', 'https://x.my.salesforce.mil/'],
    ['https://x.my.sfcrmproducts.cn', 'https://x.my.sfcrmproducts.cn/'],
  ])('accepts %s', (url, href) => {
    expect(plain.instanceBase(url).href).toBe(href)
  })

  it.each([
    'https://evil-salesforce.com',
    'https://evilsalesforce.com',
    'https://salesforce.com',
    'https://my.salesforce.mil',
    'https://login.salesforce.com.evil.com',
    'https://acme.my.salesforce.com.evil.com',
    'https://acme.my.salesforce.com.',
    'https://acme..my.salesforce.com',
    'https://.my.salesforce.com',
    'https://-a.my.salesforce.com',
    'https://user@acme.my.salesforce.com',
    'https://user:pass@acme.my.salesforce.com',
    'https://acme.my.salesforce.com@evil.com',
    'https://acme.my.salesforce.com:443',
    'https://acme.my.salesforce.com:8443',
    'https://acme.my.salesforce.com/path',
    'https://acme.my.salesforce.com//',
    'https://acme.my.salesforce.com?x=1',
    'https://acme.my.salesforce.com#x',
    'https://evil.com\\.my.salesforce.com',
    'https://evil.com\\@acme.my.salesforce.com',
    'https://evil.com/.my.salesforce.com',
    'https://evil.com%2f.my.salesforce.com',
    'https://evil.com%00.my.salesforce.com',
    'https://evil.com .my.salesforce.com',
    'https://evil.com\n.my.salesforce.com',
    ' https://acme.my.salesforce.com',
    'https://acme.my.salesforce.com\n',
    'https:acme.my.salesforce.com',
    'https:///acme.my.salesforce.com',
    '//acme.my.salesforce.com',
    'acme.my.salesforce.com',
    'http://acme.my.salesforce.com',
    'ftp://acme.my.salesforce.com',
    'https://аcme.my.salesforce.com',
    'https://acme.my.salesforce\u3002com',
    'https://acme.my.salesforce.ⅽom',
    'https://x\u212A.my.salesforce.com',
    'https://127.0.0.1',
    'http://127.0.0.1',
    'http://localhost',
    'https://2130706433',
    'https://0x7f000001',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://169.254.169.254',
    '',
    `https://${'a'.repeat(64)}.my.salesforce.com`,
    `https://${'a.'.repeat(130)}my.salesforce.com`,
  ])('refuses %j before anything is sent', (url) => {
    expect(refusal(() => plain.instanceBase(url))).toBe('host_refused')
  })

  it('never repeats user information in its refusal', () => {
    expect(() => plain.instanceBase('https://me:hunter2@evil.com')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }),
    )
  })
})

describe('login hosts', () => {
  it.each([
    'login.salesforce.com',
    'test.salesforce.com',
    'acme.my.salesforce.com',
    'TEST.salesforce.com',
  ])('accepts %s', (host) => {
    expect(plain.loginBase(host).href).toBe(`https://${host.toLowerCase()}/`)
  })

  it.each([
    'my.salesforce.com',
    'na1.salesforce.com',
    'acme.lightning.force.com',
    'login.salesforce.com.evil.com',
    'https://login.salesforce.com',
    'login.salesforce.com/',
    'login.salesforce.com:443',
    'user@login.salesforce.com',
    'login.salesforce.com.',
    'login.salesforce.com\\',
    'login.salesforce.com\u0000',
    '127.0.0.1',
    '',
  ])('refuses %j', (host) => {
    expect(refusal(() => plain.loginBase(host))).toBe('host_refused')
  })
})

describe('allow-list', () => {
  const policy = createHostPolicy([
    '127.0.0.1:4001',
    'sim.localhost',
    '[::1]:9',
    '::1',
    'sf.example.com:8443',
    '127.9.9.9',
  ])

  it.each([
    ['http://127.0.0.1:4001', 'http://127.0.0.1:4001/'],
    ['https://127.0.0.1:4001', 'https://127.0.0.1:4001/'],
    ['http://sim.localhost:1234', 'http://sim.localhost:1234/'],
    ['http://[::1]:77', 'http://[::1]:77/'],
    ['https://sf.example.com:8443', 'https://sf.example.com:8443/'],
    ['http://127.9.9.9', 'http://127.9.9.9/'],
  ])('opens exactly what it names: %s', (url, href) => {
    expect(policy.instanceBase(url).href).toBe(href)
  })

  it.each([
    'http://127.0.0.1:4002',
    'http://127.0.0.1',
    'http://127.0.0.2:4001',
    'http://sf.example.com:8443',
    'https://sf.example.com',
    'http://2130706433:4001',
    'http://127.1:4001',
    'http://localhost:4001',
    'http://user@127.0.0.1:4001',
    'http://127.0.0.1:4001/services',
    'http://127.0.0.1:04001x',
    'http://127.0.0.1:',
    'http://[0:0:0:0:0:0:0:1]:77',
    'http://sub.sim.localhost',
  ])('and nothing else: %s', (url) => {
    expect(refusal(() => policy.instanceBase(url))).toBe('host_refused')
  })

  it('gives a loopback login host plain http, any other https', () => {
    expect(policy.loginBase('127.0.0.1:4001').href).toBe('http://127.0.0.1:4001/')
    expect(policy.loginBase('sf.example.com:8443').href).toBe('https://sf.example.com:8443/')
  })

  it('refuses entries that are not hosts, naming each', () => {
    expect(() => createHostPolicy(['ok.example.com', 'http://x', 'a b', 'h:99999'])).toThrow(
      /http:\/\/x, a b, h:99999/,
    )
  })
})
