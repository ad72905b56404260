import { describe, expect, it } from 'vitest'
import { causeInWords } from './causes.ts'

describe('the cause of a lost connection', () => {
  it.each([
    ['invalid_grant: user is inactive', 'user_inactive'],
    ['inactive_user', 'user_inactive'],
    [
      '{"error":"inactive_org","error_description":"organization suspended"}',
      'salesforce_org_gone',
    ],
    ['The organization has been locked.', 'salesforce_org_gone'],
    ['Org is closed', 'salesforce_org_gone'],
    ['Your trial has expired', 'salesforce_org_gone'],
    ['invalid_grant: login hours restricted', 'login_hours'],
    ['LOGIN_DURING_RESTRICTED_TIME', 'login_hours'],
    ['invalid_grant: ip restricted', 'login_ip_range'],
    ['This app must be installed into the org', 'app_not_installed'],
  ])('is read in Salesforce’s words: %s', (words, code) => {
    expect(causeInWords(words)?.code).toBe(code)
  })
  it.each(['expired access/refresh token', 'authentication failure', 'invalid_grant', ''])(
    'is none in words that name none: %s',
    (words) => {
      expect(causeInWords(words)).toBeNull()
    },
  )
})
