/** What probabilities mean by the rules that the network's metadata holds. */

/**
 * @param {object} info The metadata.
 * @param {number[]} probabilities Calibrated probabilities.
 * @param {number|null} distance How unlike the training photos the picture is.
 * @returns {{index: number, probability: number, sure: boolean, familiar: boolean}} The most
 *   probable class, and what the rules say; true where the metadata holds no rule.
 */
export function judge(info, probabilities, distance) {
  const probability = Math.max(...probabilities);
  return {
    index: probabilities.indexOf(probability),
    probability,
    sure: !info.abstention || probability >= info.abstention.threshold,
    familiar: !info.familiarity || distance === null || distance <= info.familiarity.threshold,
  };
}
