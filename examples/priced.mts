import type { Api, Model, StreamFunction, StreamOptions, Usage } from '@earendil-works/pi-ai';

type Stream = StreamFunction<string, StreamOptions>;

/**
 * pi-ai's faux model counts tokens but charges nothing. This puts the cost that the model's
 * prices give on every message it streams, as a real provider would, so that traces show money.
 *
 * @param stream a stream function of pi-ai's faux core
 * @param calculateCost pi-ai's own price calculation, of the version that the caller uses
 */
export function priced(
  stream: Stream,
  calculateCost: (model: Model<Api>, usage: Usage) => unknown,
): Stream {
  return (model, context, options) => {
    const events = stream(model, context, options);
    const push = events.push.bind(events);
    events.push = (event) => {
      if (event.type === 'done') calculateCost(model, event.message.usage);
      if (event.type === 'error') calculateCost(model, event.error.usage);
      push(event);
    };
    return events;
  };
}
