import { describe, expect, it } from 'vitest'
import { componentName } from './component-name.ts'

describe('the name of a component', () => {
  it('of a global value set is that of its file, whatever Salesforce answers', () => {
    expect(componentName('GlobalValueSet', 'Industry_List__gvs')).toBe('Industry_List')
    expect(componentName('GlobalValueSet', 'Industry_List')).toBe('Industry_List')
    expect(componentName('GlobalValueSet', 'ns__Industry_List__gvs')).toBe('ns__Industry_List')
  })
  it('of another kind is left as it is', () => {
    expect(componentName('CustomField', 'Lead.A__gvs')).toBe('Lead.A__gvs')
  })
})
