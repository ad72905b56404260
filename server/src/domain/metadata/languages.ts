// Languages of Salesforce: Metadata API guide, "Translations": fully supported, of end users, and platform-only.

/** Their codes, written as Salesforce writes them. */
export const LANGUAGES: ReadonlySet<string> = new Set(
  `af am ar ar_AE ar_BH ar_DZ ar_EG ar_IQ ar_JO ar_KW ar_LB ar_LY ar_MA ar_OM ar_QA ar_SA ar_SD ar_SY
  ar_TN ar_YE bg bn bs ca cs cy da de de_AT de_BE de_CH de_LU el el_CY en_AE en_AU en_BE en_CA en_CY
  en_DE en_GB en_HK en_IE en_IL en_IN en_MT en_MY en_NL en_NZ en_PH en_SG en_US en_ZA es es_AR es_BO
  es_CL es_CO es_CR es_DO es_EC es_GT es_HN es_MX es_NI es_PA es_PE es_PR es_PY es_SV es_US es_UY
  es_VE et eu fa fi fr fr_BE fr_CA fr_CH fr_LU fr_MA ga gu haw hi hmn hr ht hu hy in is it it_CH iw
  ja ji ka kk kl km kn ko lb lt lv mi mk ml mr ms mt my nl_BE nl_NL no pa pl pt_BR pt_PT rm ro ro_MD
  ru ru_AM ru_BY ru_KG ru_KZ ru_LT ru_MD ru_PL ru_UA sh sh_ME sk sl sm sq sr sv sw ta te th tl tr uk
  ur vi xh zh_CN zh_HK zh_MY zh_SG zh_TW zu`.split(/\s+/),
)
