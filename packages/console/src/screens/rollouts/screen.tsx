import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Rollouts">{null}</Page>
