/** The Easypaisa channel: signed bill requests, over-the-counter tokens and fetched notifications. */
export { easypaisaChannel, type EasypaisaDeps } from './listener.ts';
export { requestOtcToken, type OtcToken, type OtcTokenDeps } from './otc-token.ts';
export { credentialsContext, parseEasypaisaSettings, type EasypaisaSettings } from './settings.ts';
