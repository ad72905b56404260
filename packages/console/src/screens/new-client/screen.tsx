import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="New client">{null}</Page>
