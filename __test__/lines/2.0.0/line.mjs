export * as pi from '@earendil-works/pi-ai';
export * as faux from '@earendil-works/pi-ai/providers/faux';
export * as flue from '@flue/runtime';
export * as node from '@flue/runtime/node';
export * as v from 'valibot';
