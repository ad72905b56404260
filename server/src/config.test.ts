import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CONFIG_VARIABLES, ConfigError, NANGO_SETUP_VARIABLES, parseConfig } from './config.ts'

const good = {
  JWT_SECRET: 'j'.repeat(32),
  SUPER_ADMIN_JWT_SECRET: 's'.repeat(32),
  NANGO_SECRET_KEY: '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11',
}

describe('the configuration', () => {
  it('and .env.example name the same variables', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    const named = [...text.matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1] ?? '')
    expect(named.toSorted()).toEqual([...CONFIG_VARIABLES, ...NANGO_SETUP_VARIABLES].toSorted())
  })

  it('takes .env.example as it is, once the secrets are filled in', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    const example: Record<string, string> = {}
    for (const [, name = '', value = ''] of text.matchAll(/^([A-Z_]+)=(.*)$/gm))
      example[name] = value
    expect(parseConfig({ ...example, ...good }).http.port).toBe(8080)
  })

  it('reports every mistake at once, by name and without a value', () => {
    const run = () =>
      parseConfig({ JWT_SECRET: 'short-secret-value', PORT: '99999', LOG_LEVEL: 'loud' })
    expect(run).toThrow(ConfigError)
    const message = (() => {
      try {
        run()
        return ''
      } catch (error) {
        return String(error)
      }
    })()
    for (const name of [
      'JWT_SECRET',
      'SUPER_ADMIN_JWT_SECRET',
      'NANGO_SECRET_KEY',
      'PORT',
      'LOG_LEVEL',
    ]) {
      expect(message).toContain(name)
    }
    expect(message).not.toContain('short-secret-value')
  })

  it('refuses secrets that serve two purposes, but for the webhook key of older Nango environments', () => {
    const same = 'x'.repeat(40)
    expect(() => parseConfig({ ...good, JWT_SECRET: same, SUPER_ADMIN_JWT_SECRET: same })).toThrow(
      /differ/,
    )
    expect(() => parseConfig({ ...good, JWT_SECRET: same, NANGO_SECRET_KEY: same })).toThrow(
      /differ/,
    )
    const config = parseConfig({
      ...good,
      NANGO_WEBHOOK_SIGNING_KEY: `${good.NANGO_SECRET_KEY}, next`,
    })
    expect(config.nango.webhookSigningKeys.map((key) => key.reveal())).toEqual([
      good.NANGO_SECRET_KEY,
      'next',
    ])
  })

  it('takes a secret with the one it replaces, each long enough and of one purpose', () => {
    const next = 'n'.repeat(32)
    const { auth } = parseConfig({ ...good, JWT_SECRET: `${next}, ${good.JWT_SECRET}` })
    const both = [next, good.JWT_SECRET]
    expect(auth.jwtSecrets.map((secret) => secret.reveal())).toEqual(both)
    expect(auth.idempotencySecrets.map((secret) => secret.reveal())).toEqual(both)
    const own = parseConfig({ ...good, IDEMPOTENCY_SECRET: 'i'.repeat(32) }).auth
    expect(own.idempotencySecrets.map((secret) => secret.reveal())).toEqual(['i'.repeat(32)])
    for (const wrong of [`${next},short`, ',']) {
      expect(() => parseConfig({ ...good, JWT_SECRET: wrong })).toThrow(/JWT_SECRET: /)
    }
    const former = { SUPER_ADMIN_JWT_SECRET: `${next},${good.JWT_SECRET}` }
    expect(() => parseConfig({ ...good, ...former })).toThrow(/differ/)
  })

  it('names a DATABASE_URL that is not a URL, without showing it', () => {
    for (const url of ['postgres://me:p@ss:word@/x:y', 'mysql://h/d', 'postgres//h']) {
      expect(() => parseConfig({ ...good, DATABASE_URL: url })).toThrow(
        /DATABASE_URL: must be a URL/,
      )
      expect(() => parseConfig({ ...good, DATABASE_URL: url })).not.toThrow(url)
    }
  })

  it('asks for a database of its own in production', () => {
    const production = { ...good, NODE_ENV: 'production' }
    expect(() => parseConfig(production)).toThrow(/DATABASE_URL: is required/)
    expect(() => parseConfig({ ...production, DATABASE_URL: 'postgres://h/d' })).not.toThrow()
  })

  it('hashes passwords too cheaply in tests only', () => {
    const cheap = { ...good, PASSWORD_HASH_COST: '9' }
    expect(() => parseConfig(cheap)).toThrow(/PASSWORD_HASH_COST: must be at least 10/)
    expect(parseConfig({ ...cheap, NODE_ENV: 'test' }).auth.passwordHashCost).toBe(9)
    expect(parseConfig({ ...good, PASSWORD_HASH_COST: '10' }).auth.passwordHashCost).toBe(10)
  })

  it('trusts no address that a caller could invent', () => {
    const trusted = (env: Record<string, string>) =>
      parseConfig({ ...good, ...env }).http.trustProxy
    expect(trusted({})).toBe(false)
    expect(trusted({ TRUST_PROXY: '2' })).toBe(2)
    expect(trusted({ TRUST_PROXY: '10.0.0.0/8' })).toBe('10.0.0.0/8')
    expect(trusted({ RAILWAY_ENVIRONMENT_NAME: 'production' })).toBe(1)
    expect(trusted({ RAILWAY_ENVIRONMENT_NAME: 'production', TRUST_PROXY: 'false' })).toBe(false)
    expect(() => trusted({ TRUST_PROXY: 'true' })).toThrow(/number of proxies/)
  })

  it('cannot be logged with a secret in it, and cannot be changed', () => {
    const config = parseConfig(good)
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 })]) {
      for (const secret of Object.values(good)) expect(text).not.toContain(secret)
    }
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError)
  })
})
