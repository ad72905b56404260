// Texts of strangers on a terminal.

/**
 * Without what could act on a terminal or hide text: control characters, and those that turn its
 * direction. Labels and names in Salesforce are written by anybody. Line breaks remain.
 */
export const clean = (text: string): string => text.replaceAll(/(?!\n)[\p{Cc}\p{Cf}]/gu, '')
